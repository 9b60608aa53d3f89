"""Which coordinates of a tensor are watched: its ends and boundaries, and some at random."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Sample = int | Literal["all"]

BLOCK = 1024
"""Elements of the blocks that the report counts; kernels work on blocks of up to this size."""

# Lanes of vector instructions and threads of a warp: what is cut wrongly is cut at these.
_WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)


def draw(size: int, budget: Sample, generator: np.random.Generator) -> Indices:
    """Positions to watch in a tensor of `size` elements, ascending, at most `budget` or so.

    The first and last element, both sides of the last boundary of every usual block width, one
    element of as many blocks as the budget has room for, and the rest at random.
    Shapes: (k,), 1 <= k <= size; (0,) for an empty tensor.
    """
    if budget == "all" or budget >= size:
        return np.arange(size)
    edges = {0, size - 1}
    for width in _WIDTHS:
        last = size // width * width
        edges |= {width - 1, width, last - 1, last, last + width // 2}
    fixed = np.array(sorted(i for i in edges if 0 <= i < size), dtype=np.int64)[:budget]
    left = budget - len(fixed)
    if left <= 0:
        return fixed
    # One in each of `left` stretches of equal length: no long stretch is without.
    bounds = np.linspace(0, size, left + 1)
    spread = (bounds[:-1] + generator.random(left) * np.diff(bounds)).astype(np.int64)
    return np.unique(np.concatenate([fixed, np.minimum(spread, size - 1)]))


def budgets(sizes: list[int], sample: Sample) -> list[Sample]:
    """How many coordinates each tensor gets: small ones all of theirs, the others what is left.

    Every tensor gets one at least.
    """
    if sample == "all":
        return ["all"] * len(sizes)
    given: dict[int, int] = {}
    left, order = sample, sorted(range(len(sizes)), key=lambda i: sizes[i])
    for place, i in enumerate(order):
        fair = left // (len(order) - place)
        given[i] = max(1, min(sizes[i], fair))
        left -= given[i]
    return [given[i] for i in range(len(sizes))]
