"""NumPy arrays in every memory layout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.subjects.protocol import LAYOUTS

GAP = 7.0
"""What lies between the elements of a strided array."""


def laid_out(values: NDArray[Any], layout: str, gradient: bool = False) -> NDArray[Any]:
    """The values in memory of their own, in a layout.

    strided: every other number of a larger array. expanded: a gradient that is one number seen many
    times, where the values allow it. channels_last: where there are axes enough, else contiguous.
    Raises: ValueError for an unknown layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}: known are {', '.join(LAYOUTS)}")
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
    """The memory between the elements of a strided array."""
    assert array.base is not None, "a view of a larger one"
    return np.array(array.base[..., 1], dtype=np.float64)
