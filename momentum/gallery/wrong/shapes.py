"""Wrong for some shapes and layouts of parameters."""

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import defect
from momentum.subjects.protocol import Array


@defect(
    "accumulated",
    "A parameter of no dimension fails.",
    "v[:] on a 0-d array",
    "candle-org/candle#322",
)
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
