"""Wrong for some shapes and layouts of parameters."""

import numpy as np

from momentum.gallery.wrong._families import (
    around,
    fails,
    first_row,
    loaded,
    misread,
    moves,
    places,
    standing,
    states,
    stored,
    told,
)
from momentum.gallery.wrong._terms import undecayed
from momentum.subjects.protocol import Array


def _from_memory(x: Array, v: Array) -> Array:
    """Numbers taken in the order of a parameter's memory."""
    return v.ravel().reshape(x.shape[::-1]).T if x.flags.f_contiguous and x.ndim > 1 else v


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
        lambda run, i, g: first_row(g) if g.ndim > 1 else g)
misread("first_slice_for_six_axes", "From six axes on, all slices get the first one's gradient.",
        "a kernel with five strides",
        lambda run, i, g: first_row(g) if g.ndim > 5 else g)
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
fails("update", IndexError, "invalid index to scalar variable.")(
    "scalar_crashes", "A parameter of no dimension fails.", "v[:] on a 0-d array",
    lambda run, i, g, h: g.ndim == 0, "candle-org/candle#322")
fails("update", ValueError, "zero-size array to reduction operation")(
    "empty_crashes", "A parameter without elements fails.", "max of nothing",
    lambda run, i, g, h: g.size == 0)
around("parameters")("scalar_becomes_vector", "A parameter of no dimension gets one.", "atleast_1d",
                     lambda run, parameters: [np.atleast_1d(x) for x in parameters()])
stored("velocity_per_column", "A column has the velocity of its first row.",
       "(n,) and (n, 1) broadcast",
       lambda run, dtype, before, moved, v: (
           moved, first_row(v) if v.ndim == 2 and v.shape[1] == 1 else v))
loaded("loaded_in_memory_order", "A loaded velocity is taken in order of memory.",
       "strides are not read",
       lambda run, saved: states(
           saved, lambda i, s: s._replace(v=_from_memory(run.theta[i], np.asarray(s.v)))))
# fmt: on
