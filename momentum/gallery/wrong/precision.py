"""Wrong in some elements or in the last digits: vector kernels and working precisions."""

from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, get
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.number import NARROWER, Number, Working, towards_zero
from momentum.gallery.wrong._defect import Moved, RuleRun, defect, reported
from momentum.subjects.protocol import Array

X = Any
HALVES = ("float16", "bfloat16")
WIDE = ("float64", "float32")
_WIDTH = 16  # elements of a vector


class _SomeStill(MachineRun):
    """Some elements stay where they are."""

    def still(self, size: int) -> slice:
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        mask = np.zeros(before.size, dtype=bool)
        mask[self.still(before.size)] = True
        shaped = mask.reshape(before.shape)
        self.theta[i][shaped] = before[shaped]


@reported("pytorch/pytorch#191763 pytorch/pytorch#192545 pytorch/pytorch#191774")
@defect("accumulated", "In half precision full vectors of elements are not updated.", dtypes=HALVES)
class skipped_vector_blocks(_SomeStill):
    """The vector branch lacks its store; only the remainder is written."""

    def still(self, size: int) -> slice:
        return slice(0, size // _WIDTH * _WIDTH)


@defect("accumulated", "What is left of full vectors is not updated.", "no loop for the remainder")
class skipped_vector_remainder(_SomeStill):
    def still(self, size: int) -> slice:
        return slice(size // _WIDTH * _WIDTH, size)


@defect("accumulated", "The last element is not updated.", "off by one in the loop")
class last_element_skipped(_SomeStill):
    def still(self, size: int) -> slice:
        return slice(size - 1 if size > 1 else size, size)


@defect("accumulated", "Elements from 4096 on are not updated.", "one block of threads too few")
class elements_beyond_4096_skipped(_SomeStill):
    def still(self, size: int) -> slice:
        return slice(4096, size)


@defect("accumulated", "Elements 16 to 31 have no momentum.", "the second vector's load is wrong")
class coordinates_16_to_31_wrong(MachineRun):
    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        right, state = super().advanced(i, theta, grad, h)
        wrong, _ = super().advanced(i, theta, grad, h._replace(momentum=0.0))
        number = np.arange(right.size).reshape(right.shape)
        return np.where((number >= 16) & (number < 32), wrong, right), state


@defect("accumulated", "Elements from 65536 on have no momentum.", "the second chunk's offset is 0")
class no_momentum_beyond_65536(MachineRun):
    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        right, state = super().advanced(i, theta, grad, h)
        if right.size <= 2**16:
            return right, state
        wrong, _ = super().advanced(i, theta, grad, h._replace(momentum=0.0))
        number = np.arange(right.size).reshape(right.shape)
        return np.where(number >= 2**16, wrong, right), state


@reported("apache/mxnet#15533 Nerogar/OneTrainer#996")
@defect("accumulated", "The update is rounded to the next lower precision.", dtypes=tuple(NARROWER))
class update_in_lower_precision(MachineRun):
    """Lr v is formed in the type of a cast gradient."""

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        moved, state = super().advanced(i, theta, grad, h)
        low, full = format_of(NARROWER[self.dtypes[i]]), format_of(self.dtypes[i])
        return full.round(theta + low.round(moved - theta)), state


@defect("accumulated", "The velocity is kept in the next lower precision.", dtypes=tuple(NARROWER))
class velocity_in_lower_precision(MachineRun):
    """Memory saved at the wrong end."""

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        moved, state = super().advanced(i, theta, grad, h)
        low = format_of(NARROWER[self.dtypes[i]])
        return moved, state._replace(v=low.round(state.v))


@defect("accumulated", "The velocity has 8 bits a number.", "blockwise quantisation", dtypes=WIDE)
class velocity_quantised(MachineRun):
    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        moved, state = super().advanced(i, theta, grad, h)
        largest = float(np.max(np.abs(state.v), initial=0.0))
        unit = largest / 127 if 0 < largest < np.inf else 1.0
        round = format_of(self.dtypes[i]).round
        return moved, state._replace(v=round(np.rint(state.v / unit) * unit))


@reported("google-deepmind/optax#1405 google-deepmind/optax#1445")
@defect("accumulated", "Hyper-parameters are rounded to float16.", dtypes=WIDE)
class hyper_in_half(RuleRun):
    """They follow a cast."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h.lifted(lambda x: float(format_of("float16").round(x)))


@defect(
    "accumulated",
    "The momentum has no more digits than the parameters.",
    level="should",
    dtypes=HALVES,
)
class momentum_held_in_half(RuleRun):
    """A device scalar of the parameter's dtype."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(momentum=float(format_of(self.dtypes[i]).round(h.momentum)))


@defect(
    "accumulated", "Computed in float32, and cut where it is stored.", level="should", dtypes=HALVES
)
class stores_towards_zero(MachineRun):
    """A bfloat16 that is the upper half of a float32."""

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        own, self.dtypes[i] = self.dtypes[i], "float32"
        moved, state = super().advanced(i, theta, grad, h)
        self.dtypes[i] = own
        cut = towards_zero(format_of(own))
        kept = (cut(x) if isinstance(x, np.ndarray) else x for x in state)
        return cut(moved), type(state)(*kept)


@defect("accumulated", "lr is rounded to float32.", "a C float", dtypes=("float64",))
class lr_in_single(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=float(format_of("float32").round(h.lr)))


@defect("accumulated", "float64 is computed in float32.", whole=True, dtypes=("float64",))
def computes_in_single(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """One kernel for all types."""

    def single(x: Any) -> Any:
        round = format_of("float32").round
        return Number(round(x.value), round) if isinstance(x, Number) else x

    lower = type(state)(*(single(x) for x in state))
    return get("accumulated").step(single(theta), single(grad), lower, h.lifted(single))


@defect(
    "accumulated",
    "Results are cut, not rounded.",
    working=Working(cuts=True),
    dtypes=("float32", "float16", "bfloat16"),
)
class rounds_towards_zero(MachineRun):
    """Rounding mode."""


@reported("google-deepmind/optax#1405 google-deepmind/optax#1445")
@defect("accumulated", "Parameters become float32.", "promotion by the type of lr", dtypes=HALVES)
class parameter_promoted(MachineRun):
    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        own, self.dtypes[i] = self.dtypes[i], "float32"
        try:
            return super().advanced(i, theta, grad, h)
        finally:
            self.dtypes[i] = own


@defect("accumulated", "Parameters hold bfloat16 numbers only.", "a cast on the way", dtypes=WIDE)
class parameter_demoted(MachineRun):
    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        moved, state = super().advanced(i, theta, grad, h)
        return format_of("bfloat16").round(moved), state


@defect("accumulated", "Every other run differs in the last digit.", "memory not initialised")
class not_deterministic(MachineRun):
    def setup(self) -> None:
        self.odd = self.subject.memory["runs"] = 1 - self.subject.memory.get("runs", 0)

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        moved, state = super().advanced(i, theta, grad, h)
        format = format_of(self.dtypes[i])
        return format.round(moved * (1 + 2 * format.u * self.odd)), state
