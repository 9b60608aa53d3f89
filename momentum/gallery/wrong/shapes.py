"""Wrong for some shapes and layouts of parameters."""

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.run_state import Saved
from momentum.gallery.wrong._defect import defect, reported
from momentum.gallery.wrong._families import misread, moves, places, standing, told
from momentum.gallery.wrong._terms import undecayed
from momentum.subjects.protocol import Array

# fmt: off
misread("transposed_in_memory_order", "Transposed gradients are read in order of memory.",
        "strides are not read", lambda run, i, g: g.ravel(order="K").reshape(g.shape))
misread("expanded_gradient_summed", "Expanded gradients are summed up.",
        "reduced to the memory's shape",
        lambda run, i, g: g * g.size if g.size > 1 and not any(g.strides) else g)
misread("velocity_laid_out_as_gradient", "All elements of an expanded gradient share a velocity.",
        "empty_strided with the gradient's own strides; what is decayed has others",
        lambda run, i, g: g * g.size if run.taken and g.size > 1 and not any(g.strides)
        and not (run.hyper(i).weight_decay or run.hyper(i).maximize) else g)
misread("first_row_for_all", "All rows get the first row's gradient.", "a broadcast",
        lambda run, i, g: np.array(np.broadcast_to(g[:1], g.shape)) if g.ndim > 1 else g)
misread("first_slice_for_six_axes", "From six axes on, all slices get the first one's gradient.",
        "a kernel with five strides",
        lambda run, i, g: np.array(np.broadcast_to(g[:1], g.shape)) if g.ndim > 5 else g)
misread("square_gradient_transposed", "Matrices are updated with the transposed gradient.",
        "two indices swapped", lambda run, i, g: g.T.reshape(g.shape) if g.ndim == 2 else g)
told("vectors_not_decayed", "Parameters of one axis take no decay.",
     "biases are told by their axes",
     lambda run, i, h: undecayed(h) if run.theta[i].ndim < 2 else h)
moves("first_axis_of_one_dropped", "A leading axis of one stops a parameter.",
      "it is taken for a batch", lambda run, i, g, h: g.ndim < 2 or g.shape[0] != 1)
standing("tail_of_long_block_skipped", "The rest of a block of 320 stands still.",
         "the tail is left to a vector",
         lambda run, x: places(x) >= x.size - x.size % 320
         if x.ndim == 1 and x.size > 320 and x.size % 320 < 8 else False)
standing("rows_beyond_1024_skipped", "Rows from the 1025th on stand still.",
         "one thread a row, 1024 threads",
         lambda run, x: places(x) >= 1024 * x.shape[1] if x.ndim == 2 else False)
standing("slices_beyond_65535_skipped", "Slices from the 65536th on stand still.",
         "a block a slice, and a grid has 65535",
         lambda run, x: places(x) >= 65535 * x[:1].size if x.ndim == 3 else False)
# fmt: on


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


@defect("accumulated", "A column has the velocity of its first row.", "(n,) and (n, 1) broadcast")
class velocity_per_column(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        if grad.ndim == 2 and grad.shape[1] == 1:
            v = self.states[i].v
            self.states[i] = self.states[i]._replace(v=np.array(np.broadcast_to(v[:1], v.shape)))


@defect("accumulated", "A loaded velocity is taken in order of memory.", "strides are not read")
class loaded_in_memory_order(MachineRun):
    def take_over(self, saved: Saved) -> None:
        super().take_over(saved)
        for i, state in self.states.items():
            x = self.theta[i]
            if x.flags.f_contiguous and x.ndim > 1 and isinstance(state.v, np.ndarray):
                v = np.ravel(state.v).reshape(x.shape[::-1]).T
                self.states[i] = state._replace(v=v)
