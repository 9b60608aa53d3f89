"""Which coordinates of a tensor are watched, and with which probability one is missed."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Sample = int | Literal["all"]

BLOCK = 1024
"""Elements of the blocks that the report counts; kernels work on blocks of up to this size."""

# Lanes of vector instructions and threads of a warp: what is cut wrongly is cut at these.
_WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)


def ends(size: int, budget: int) -> Indices:
    """The positions that every sample holds: both ends, and both sides of the first and the last
    boundary of every usual block width."""
    edges = [0, size - 1]
    for width in _WIDTHS:
        last = size // width * width
        edges += [width - 1, width, last - 1, last, last + width // 2]
    return np.array(sorted({i for i in edges if 0 <= i < size}), dtype=np.int64)[:budget]


def stretches(size: int, count: int) -> Indices:
    """Boundaries of `count` stretches of equal length, give or take one. Shapes: (count + 1,)."""
    return np.arange(count + 1, dtype=np.int64) * size // max(count, 1)


def draw(size: int, budget: Sample, generator: np.random.Generator) -> Indices:
    """Positions to watch in a tensor of `size` elements, ascending, at most `budget`.

    Its ends, see `ends`, and one at random in each of as many stretches of equal length as are
    left: no long stretch is without. Shapes: (k,), 1 <= k <= size; (0,) for an empty tensor.
    """
    if budget == "all" or budget >= size:
        return np.arange(size)
    fixed = ends(size, budget)
    if len(fixed) == budget:
        return fixed
    bounds = stretches(size, budget - len(fixed))
    spread = generator.integers(bounds[:-1], bounds[1:])
    return np.unique(np.concatenate([fixed, spread]))


class Odds(NamedTuple):
    """Chances that one draw misses: summed over all elements, and over all blocks, of a tensor.

    Of an element that is not fixed, in a stretch of n: 1 - 1/n. Of a block without a fixed one: the
    product of 1 - (its part of the stretch)/n over the stretches that it meets.
    """

    elements: float
    blocks: float


def odds(size: int, budget: Sample, draws: int = 1) -> Odds:
    """Chances that all of `draws` independent draws miss, summed over elements and blocks."""
    if budget == "all" or budget >= size:
        return Odds(0.0, 0.0)
    fixed = ends(size, budget)
    starts = np.arange(0, size, BLOCK)
    stops = np.minimum(starts + BLOCK, size)
    free = np.searchsorted(fixed, starts) == np.searchsorted(fixed, stops)
    if len(fixed) == budget:
        return Odds(float(size - len(fixed)), float(free.sum()))
    bounds = stretches(size, budget - len(fixed))
    lengths = np.diff(bounds)
    within = lengths - np.diff(np.searchsorted(fixed, bounds))
    first = np.searchsorted(bounds, starts, side="right") - 1
    last = np.searchsorted(bounds, stops, side="left") - 1
    # A stretch that lies wholly in the block is looked at there; one that is cut may not be.
    head = (np.minimum(bounds[first + 1], stops) - starts) / lengths[first]
    tail = np.where(last > first, (stops - bounds[last]) / lengths[last], 0.0)
    missed = np.where(free & (last - first < 2), (1 - head) * (1 - tail), 0.0)
    return Odds(float(np.sum(within * (1 - 1 / lengths) ** draws)), float(np.sum(missed**draws)))


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
