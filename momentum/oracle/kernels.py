"""Blocks of coordinates on their way through the steps: value and bound in one pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format
from momentum.oracle.coefficients import Step

Array = NDArray[np.float64]


class Block:
    """Parameter and state of a block of coordinates, with their errors.

    The arrays are rows of one matrix, so that a step is two products with small matrices:
        values' = value [values; gradient]
        errors' = [|value| + doubt, doubt] [errors; |values|; |gradient|] + floor
    Shapes: values (rows + 1, n), the last row for the gradient; sizes (2 rows + 1, n).
    """

    def __init__(self, start: Array, initial: list[float], format: Format) -> None:
        self.format = format
        rows, n = 1 + len(initial), start.size
        self.rows = rows
        self.values, self.spare = np.empty((rows + 1, n)), np.empty((rows + 1, n))
        self.values[0] = start
        for i, x in enumerate(initial, 1):
            self.values[i] = x
        self.sizes, self.errors = np.empty((2 * rows + 1, n)), np.zeros((rows, n))
        self.errors[0] = off_format(start, format)
        self.largest = np.full(rows, np.inf)  # of |values| + errors, row by row

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
        np.abs(self.values[row], out=self.errors[row])
        self.errors[row] *= self.format.operation_u
        self.errors[row] += self.format.smallest_subnormal / 2
        self.largest[row] = np.inf

    def take(self, step: Step, gradient: Array, fitting: bool) -> None:
        """One step. fitting: all elements of the gradient are known to be the format's."""
        rows, sizes = self.rows, self.sizes
        self.values[rows] = gradient
        sizes[:rows] = self.errors
        np.abs(self.values, out=sizes[rows:])
        doubt = 0.0 if fitting else off_format(self.values[rows], self.format)
        reach = self._reach(step, doubt)
        np.matmul(step.spread, sizes, out=self.errors)
        self.errors += step.floor[:, None]
        if isinstance(doubt, np.ndarray):
            self.errors += (np.abs(step.value) + step.doubt)[:, rows:] * doubt
        np.matmul(step.value, self.values, out=self.spare[:rows])
        self.values, self.spare = self.spare, self.values
        if reach is not None:
            self.errors[~(reach <= self.format.largest)] = np.inf

    def _reach(self, step: Step, doubt: Any) -> Array | None:
        """The largest intermediate results of each element, where some may overflow.

        First by the largest of all elements, as of the last look; a look costs a pass.
        """
        rows, sizes, limit = self.rows, self.sizes, self.format.largest / 4
        gradient = np.max(sizes[2 * rows], initial=0.0) + np.max(doubt, initial=0.0)
        for stale in (np.isinf(self.largest), np.ones(rows, dtype=bool)):
            for i in np.flatnonzero(stale):
                self.largest[i] = np.max(sizes[i], initial=0.0)
                self.largest[i] += np.max(sizes[rows + i], initial=0.0)
            peak = step.reach @ np.append(self.largest, gradient)
            if np.all(peak <= limit):
                self.largest = peak * (1.0 + 2.0**-20) + step.floor
                return None
        self.largest[:] = np.inf
        held = sizes[rows : 2 * rows] + sizes[:rows]
        reach = step.reach[:, :rows] @ held + step.reach[:, rows:] * (sizes[2 * rows] + doubt)
        return np.asarray(reach + step.floor[:, None])

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
