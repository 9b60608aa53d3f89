"""Blocks of coordinates on their way through the steps: value and bound in one pass."""

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format
from momentum.oracle.coefficients import Step

Array = NDArray[np.float64]


class Block:
    """Parameter and state of a block of coordinates, with their errors.

    The arrays are rows of matrices, so that a step is two products with small ones: see Step.
    Shapes: values (rows + 1, n), the last row for the gradient; sizes (2 rows + 3, n).
    """

    def __init__(self, start: Array, initial: list[float], format: Format) -> None:
        self.format = format
        rows, n = 1 + len(initial), start.size
        self.rows = rows
        self.values, self.moved = np.zeros((rows + 1, n)), np.empty((rows, n))
        self.values[:rows] = np.array([0.0, *initial])[:, None]
        self.values[0] = start
        self.sizes = np.zeros((2 * rows + 3, n))
        self.sizes[-1] = 1.0
        self.off = False  # the gradient's row of errors is not zero
        self.errors = np.zeros((rows, n))
        self.errors[0] = off_format(start, format)
        self.largest = [math.inf] * rows  # of |values| + errors, row by row

    @property
    def value(self) -> Array:
        """The parameters."""
        return np.asarray(self.values[0])

    @property
    def bound(self) -> Array:
        """How far an implementation may be from them."""
        return np.asarray(self.errors[0])

    def move_to(self, iterate: Array) -> None:
        """Go on from a subject's own iterate; velocities stay.

        What it shows may be a rounded copy of what it goes on from (master weights, compensated
        sums), so the start is in doubt by that one rounding.
        """
        finite = np.isfinite(iterate)
        self.place(0, iterate if finite.all() else np.where(finite, iterate, self.values[0]))

    def place(self, row: int, x: Array) -> None:
        """Other numbers in a row, in doubt by one rounding."""
        self.values[row] = x
        error = np.abs(self.values[row], out=self.errors[row])
        error *= self.format.operation_u
        error += self.format.smallest_subnormal / 2
        self.largest[row] = math.inf

    def take(self, step: Step, gradient: Array, off: Any = None) -> None:
        """One step. off: how far the gradient is from numbers of the format; None: look."""
        rows, values, sizes = self.rows, self.values, self.sizes
        values[rows] = gradient
        sizes[:rows] = self.errors
        np.abs(values, out=sizes[rows : 2 * rows + 1])
        off = off_format(values[rows], self.format) if off is None else off
        if self.off or isinstance(off, np.ndarray):
            sizes[-2] = off
            self.off = isinstance(off, np.ndarray)
        beyond = self._beyond(step)
        np.matmul(step.spread, sizes, out=self.errors)
        np.matmul(step.value, values, out=self.moved)
        values[:rows] = self.moved
        if beyond is not None:
            self.errors[beyond] = np.inf

    def _beyond(self, step: Step) -> NDArray[np.bool_] | None:
        """Where an intermediate result may overflow, if it may anywhere.

        First by the largest of all elements, as of the last look; a look costs a pass.
        """
        rows, sizes, limit = self.rows, self.sizes, self.format.largest / 4
        gradient = float(sizes[2 * rows].max(initial=0.0))
        if self.off:
            gradient += float(sizes[-2].max(initial=0.0))
        for stale in (math.inf, 0.0):
            for i, size in enumerate(self.largest):
                if size >= stale or size != size:
                    self.largest[i] = float(sizes[i].max(initial=0.0))
                    self.largest[i] += float(sizes[rows + i].max(initial=0.0))
            peaks = [sum(map(operator.mul, row, (*self.largest, gradient))) for row in step.reach]
            if all(peak <= limit for peak in peaks):
                floors = step.spread[:, -1].tolist()
                self.largest = [x * (1.0 + 2.0**-20) + f for x, f in zip(peaks, floors)]
                return None
        self.largest = [math.inf] * rows
        held = sizes[rows : 2 * rows + 1].copy()
        held[:rows] += sizes[:rows]
        held[rows] += sizes[-2]
        return ~(np.array(step.reach) @ held + step.spread[:, -1:] <= self.format.largest)

    def hold(self, values: list[Array]) -> None:
        """The values, known more exactly."""
        for row, x in zip(self.values, values):
            row[...] = x


def off_format(x: Array, format: Format) -> Any:
    """What rounding to the format changes in given numbers; a plain 0 where they are its own."""
    if fits(x, format):
        return 0.0
    rounded = format.round(x)
    off = np.abs(rounded - x)
    if format.flushes:
        off = np.maximum(off, np.where(np.abs(x) < format.smallest_normal, np.abs(x), 0.0))
    return off


def fits(x: Array, format: Format) -> bool:
    """All elements are numbers of the format."""
    return format.precision == 53 or bool(np.array_equal(format.round(x), x))
