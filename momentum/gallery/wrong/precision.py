"""Wrong in some elements or in the last digits: vector kernels and working precisions."""

import numpy as np
from numpy.typing import ArrayLike

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, Moved, State, get
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.number import NARROWER, Number, Working, towards_zero
from momentum.gallery.wrong._defect import Method, defect, family, reported
from momentum.gallery.wrong._families import places, standing, stored, told
from momentum.gallery.wrong._terms import X
from momentum.subjects.protocol import Array

HALVES = ("float16", "bfloat16")
WIDE = ("float64", "float32")
CAST = "google-deepmind/optax#1405 google-deepmind/optax#1445"
_WIDTH = 16  # elements of a vector


def rounded(x: ArrayLike, dtype: str) -> Array:
    """What a format keeps of it."""
    return format_of(dtype).round(x)


def _quantised(v: Array) -> Array:
    largest = float(np.max(np.abs(v), initial=0.0))
    unit = largest / 127 if 0 < largest < np.inf else 1.0
    return np.rint(v / unit) * unit


@family("advanced")
def unweighted(
    some: Method, run: MachineRun, advanced: Method, i: int, theta: Array, grad: Array, h: Hyper
) -> tuple[Array, State]:
    """Some elements have no momentum."""
    right, state = advanced(i, theta, grad, h)
    chosen = some(run, places(right))
    if chosen.any():
        wrong, _ = advanced(i, theta, grad, h._replace(momentum=0.0))
        right = np.where(chosen, wrong, right)
    return right, state


# fmt: off
standing("skipped_vector_blocks", "In half precision full vectors of elements are not updated.",
         "the vector branch lacks its store; only the remainder is written",
         lambda run, x: places(x) < x.size // _WIDTH * _WIDTH,
         "pytorch/pytorch#191763 pytorch/pytorch#192545 pytorch/pytorch#191774", dtypes=HALVES)
standing("skipped_vector_remainder", "What is left of full vectors is not updated.",
         "no loop for the remainder", lambda run, x: places(x) >= x.size // _WIDTH * _WIDTH)
standing("last_element_skipped", "The last element is not updated.", "off by one in the loop",
         lambda run, x: (places(x) == x.size - 1) & (x.size > 1))
standing("elements_beyond_4096_skipped", "Elements from 4096 on are not updated.",
         "one block of threads too few", lambda run, x: places(x) >= 4096)
standing("blocks_beyond_16_bits_skipped", "Elements from 2^20 on are not updated.",
         "blocks of 16 are counted in 16 bits", lambda run, x: places(x) >= 2**20)
unweighted("coordinates_16_to_31_wrong", "Elements 16 to 31 have no momentum.",
           "the second vector's load is wrong", lambda run, k: (k >= 16) & (k < 32))
unweighted("no_momentum_beyond_65536", "Elements from 65536 on have no momentum.",
           "the second chunk's offset is 0", lambda run, k: k >= 2**16)
stored("update_in_lower_precision", "The update is rounded to the next lower precision.",
       "lr v is formed in the type of a cast gradient",
       lambda run, dtype, before, moved, v: (
           rounded(before + rounded(moved - before, NARROWER[dtype]), dtype), v),
       "apache/mxnet#15533 Nerogar/OneTrainer#996", dtypes=tuple(NARROWER))
stored("velocity_in_lower_precision", "The velocity is kept in the next lower precision.",
       "memory saved at the wrong end",
       lambda run, dtype, before, moved, v: (moved, rounded(v, NARROWER[dtype])),
       dtypes=tuple(NARROWER))
stored("velocity_quantised", "The velocity has 8 bits a number.", "blockwise quantisation",
       lambda run, dtype, before, moved, v: (moved, rounded(_quantised(v), dtype)), dtypes=WIDE)
stored("parameter_demoted", "Parameters hold bfloat16 numbers only.", "a cast on the way",
       lambda run, dtype, before, moved, v: (rounded(moved, "bfloat16"), v), dtypes=WIDE)
told("hyper_in_half", "Hyper-parameters are rounded to float16.", "they follow a cast",
     lambda run, i, h: h.lifted(lambda x: float(rounded(x, "float16"))), CAST, dtypes=WIDE)
told("momentum_held_in_half", "The momentum has no more digits than the parameters.",
     "a device scalar of the parameter's dtype",
     lambda run, i, h: h._replace(momentum=float(rounded(h.momentum, run.dtypes[i]))),
     level="should", dtypes=HALVES)
told("lr_in_single", "lr is rounded to float32.", "a C float",
     lambda run, i, h: h._replace(lr=float(rounded(h.lr, "float32"))), dtypes=("float64",))
# fmt: on


class _InSingle(MachineRun):
    """A step is computed in float32, whatever the parameter's format."""

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, State]:
        own, self.dtypes[i] = self.dtypes[i], "float32"
        try:
            return super().advanced(i, theta, grad, h)
        finally:
            self.dtypes[i] = own


@reported(CAST)
@defect("accumulated", "Parameters become float32.", "promotion by the type of lr", dtypes=HALVES)
class parameter_promoted(_InSingle):
    pass


@defect(
    "accumulated", "Computed in float32, and cut where it is stored.", level="should", dtypes=HALVES
)
class stores_towards_zero(_InSingle):
    """A bfloat16 that is the upper half of a float32."""

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, State]:
        moved, state = super().advanced(i, theta, grad, h)
        cut = towards_zero(format_of(self.dtypes[i]))
        kept = (cut(x) if isinstance(x, np.ndarray) else x for x in state)
        return cut(moved), type(state)._make(kept)


@defect("accumulated", "float64 is computed in float32.", whole=True, dtypes=("float64",))
def computes_in_single(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    """One kernel for all types."""

    def single(x: X) -> X:
        round = format_of("float32").round
        return Number(round(x.value), round) if isinstance(x, Number) else x

    lower = type(state)._make(map(single, state))
    return get("accumulated").step(single(theta), single(grad), lower, h.lifted(single))


@defect(
    "accumulated",
    "Results are cut, not rounded.",
    working=Working(cuts=True),
    dtypes=("float32", "float16", "bfloat16"),
)
class rounds_towards_zero(MachineRun):
    """Rounding mode."""


@defect("accumulated", "Every other run differs in the last digit.", "memory not initialised")
class not_deterministic(MachineRun):
    def setup(self) -> None:
        self.odd = self.subject.memory["runs"] = 1 - self.subject.memory.get("runs", 0)

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, State]:
        moved, state = super().advanced(i, theta, grad, h)
        format = format_of(self.dtypes[i])
        return format.round(moved * (1 + 2 * format.u * self.odd)), state
