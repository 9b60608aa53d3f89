"""Wrong for some shapes and layouts of parameters."""

from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import defect, reported
from momentum.subjects.protocol import Array


@reported("candle-org/candle#322")
@defect("accumulated", "A parameter of no dimension fails.", "v[:] on a 0-d array")
class scalar_crashes(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if grad.ndim == 0:
            raise IndexError("invalid index to scalar variable.")
        super().update(i, grad, h)


@defect("accumulated", "A parameter of no dimension gets one.", "atleast_1d")
class scalar_becomes_vector(MachineRun):
    def parameters(self) -> list[Array]:
        return [np.atleast_1d(x) for x in super().parameters()]


@defect("accumulated", "A parameter without elements fails.", "max of nothing")
class empty_crashes(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if grad.size == 0:
            raise ValueError("zero-size array to reduction operation")
        super().update(i, grad, h)


class _Misread(MachineRun):
    """The gradient is read in another order or place."""

    def misread(self, grad: Array) -> Array:
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, self.misread(grad), h)


@defect("accumulated", "Transposed gradients are read in order of memory.", "strides are not read")
class transposed_in_memory_order(_Misread):
    def misread(self, grad: Array) -> Array:
        return grad.ravel(order="K").reshape(grad.shape)


@defect("accumulated", "Expanded gradients are summed up.", "reduced to the memory's shape")
class expanded_gradient_summed(_Misread):
    def misread(self, grad: Array) -> Array:
        shared = grad.size > 1 and not any(grad.strides)
        return grad * grad.size if shared else grad


@defect("accumulated", "All rows get the first row's gradient.", "a broadcast")
class first_row_for_all(_Misread):
    def misread(self, grad: Array) -> Array:
        return np.array(np.broadcast_to(grad[:1], grad.shape)) if grad.ndim > 1 else grad


@defect("accumulated", "Matrices are updated with the transposed gradient.", "two indices swapped")
class square_gradient_transposed(_Misread):
    def misread(self, grad: Array) -> Array:
        return grad.T.reshape(grad.shape) if grad.ndim == 2 else grad


@defect("accumulated", "Parameters of one axis take no decay.", "biases are told by their axes")
class vectors_not_decayed(MachineRun):
    def hyper(self, i: int) -> Hyper:
        h = super().hyper(i)
        return h._replace(weight_decay=0.0) if self.theta[i].ndim < 2 else h


@defect("accumulated", "A leading axis of one stops a parameter.", "it is taken for a batch")
class first_axis_of_one_dropped(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if grad.ndim < 2 or grad.shape[0] != 1:
            super().update(i, grad, h)


@defect("accumulated", "A column has the velocity of its first row.", "(n,) and (n, 1) broadcast")
class velocity_per_column(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        if grad.ndim == 2 and grad.shape[1] == 1:
            v = self.states[i].v
            self.states[i] = self.states[i]._replace(v=np.array(np.broadcast_to(v[:1], v.shape)))


class _Standing(MachineRun):
    """Some elements do not move."""

    def standing(self, x: Array) -> Any:
        """The elements, as an index."""
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        still = self.standing(before)
        self.theta[i][still] = before[still]


@defect("accumulated", "The rest of a block of 320 stands still.", "the tail is left to a vector")
class tail_of_long_block_skipped(_Standing):
    def standing(self, x: Array) -> Any:
        rest = x.size % 320
        return slice(x.size - rest, None) if x.ndim == 1 and x.size > 320 and rest < 8 else []


@defect("accumulated", "Rows from the 1025th on stand still.", "one thread a row, 1024 threads")
class rows_beyond_1024_skipped(_Standing):
    def standing(self, x: Array) -> Any:
        return slice(1024, None) if x.ndim == 2 else []


@defect("accumulated", "A loaded velocity is taken in order of memory.", "strides are not read")
class loaded_in_memory_order(MachineRun):
    def take_over(self, saved: dict[str, Any]) -> None:
        super().take_over(saved)
        for i, state in self.states.items():
            x = self.theta[i]
            if x.flags.f_contiguous and x.ndim > 1 and isinstance(state.v, np.ndarray):
                v = np.ravel(state.v).reshape(x.shape[::-1]).T
                self.states[i] = state._replace(v=v)
