"""NumPy arrays in every memory layout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.subjects.protocol import LAYOUTS

GAP = 7.0
"""What lies around and between the elements of arrays in these layouts."""

SPREAD = "offset", "strided"
"""Views of a larger array."""


def laid_out(values: NDArray[Any], layout: str, gradient: bool = False) -> NDArray[Any]:
    """The values in memory of their own, in a layout.

    offset: in C order, from the second number of a larger array on, which ends one later.
    strided: every other number of a larger array. expanded: a gradient that is one number seen many
    times, where the values allow it. channels_last: where there are axes enough, else contiguous.
    Raises: ValueError for an unknown layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}: known are {', '.join(LAYOUTS)}")
    if layout == "offset":
        around = np.full(values.size + 2, GAP, values.dtype)
        inside = around[1:-1].reshape(values.shape)
        inside[...] = values
        return inside
    if layout == "strided":
        spread = np.full((*values.shape, 2), GAP, values.dtype)
        spread[..., 0] = values
        return spread[..., 0]
    if layout == "transposed":
        return np.array(values, order="F")
    if (layout, values.ndim) in (("channels_last", 4), ("channels_last_3d", 5)):
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(values, 1, -1)), -1, 1)
    if layout == "expanded" and gradient and values.size and np.all(values == values.flat[0]):
        return np.broadcast_to(np.array(values.flat[0]), values.shape)
    return np.array(values, order="C")


def between(array: NDArray[Any]) -> NDArray[np.float64]:
    """The memory around and between the elements of a view of a larger array."""
    whole = array.base
    assert whole is not None, "a view of a larger one"
    rest = np.ones(whole.shape, dtype=bool)
    first = (array.ctypes.data - whole.ctypes.data) // whole.itemsize
    steps = [stride // whole.itemsize for stride in array.strides]
    np.ndarray(array.shape, bool, rest, first, steps)[...] = False
    return np.array(whole[rest], dtype=np.float64)
