"""Blocks of coordinates on their way through the steps: value and bound in one pass."""

import math
import operator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format
from momentum.oracle.coefficients import Step
from momentum.oracle.given import Array, Floats

Kept = slice | NDArray[np.bool_] | NDArray[np.intp]
"""Which coordinates go on."""


class _Side(NamedTuple):
    """The numbers before a step, or those after it: views of two matrices, see Step.

    Shapes: values (rows + 1, n), the last row for the gradient; sizes (2 rows + 3, n).
    """

    values: Array
    held: Array
    sizes: Array
    errors: Array
    magnitudes: Array

    @classmethod
    def of(cls, rows: int, n: int) -> "_Side":
        values, sizes = np.zeros((rows + 1, n)), np.zeros((2 * rows + 3, n))
        sizes[-1] = 1.0
        return cls(values, values[:rows], sizes, sizes[:rows], sizes[rows : 2 * rows + 1])


class Block:
    """Parameter and state of a block of coordinates, with their errors."""

    def __init__(self, start: Array, initial: list[float], format: Format) -> None:
        self.format = format
        self.rows = 1 + len(initial)
        self.here, self.there = (_Side.of(self.rows, start.size) for _ in range(2))
        self.here.held[...] = np.array([0.0, *initial])[:, None]
        self.here.held[0] = start
        self.here.errors[0] = off_format(start, format)
        self.off = False  # the gradient's row of errors is not zero
        self.largest = [math.inf] * self.rows  # of |values| + errors, row by row

    @property
    def value(self) -> Array:
        """The parameters."""
        return np.asarray(self.here.held[0])

    @property
    def bound(self) -> Array:
        """How far an implementation may be from them."""
        return np.asarray(self.here.errors[0])

    def move_to(self, iterate: Floats) -> None:
        """Go on from a subject's own iterate; velocities stay.

        What it shows may be a rounded copy of what it goes on from (master weights, compensated
        sums), so the start is in doubt by that one rounding.
        """
        finite = np.isfinite(iterate)
        self.place(0, iterate if finite.all() else np.where(finite, iterate, self.value))

    def place(self, row: int, x: Floats) -> None:
        """Other numbers in a row, in doubt by one rounding."""
        self.here.held[row] = x
        error = np.abs(self.here.held[row], out=self.here.errors[row])
        error *= self.format.operation_u
        error += self.format.smallest_subnormal / 2
        self.largest[row] = math.inf

    def part(self, kept: Kept = slice(None)) -> "Block":
        """The same numbers at some of its coordinates, to go on by themselves."""
        twin = Block(self.value[kept], [0.0] * (self.rows - 1), self.format)
        twin.here.held[...] = self.here.held[:, kept]
        twin.here.errors[...] = self.here.errors[:, kept]
        twin.largest = list(self.largest)
        return twin

    def take(self, step: Step, gradient: Array, off: float | Array | None = None) -> None:
        """One step. off: how far the gradient is from numbers of the format; None: look."""
        values, _, sizes, _, magnitudes = self.here
        values[-1] = gradient
        np.abs(values, out=magnitudes)
        off = off_format(values[-1], self.format) if off is None else off
        if self.off or isinstance(off, np.ndarray):
            self.off = isinstance(off, np.ndarray)
            sizes[-2] = self.there.sizes[-2] = off
        beyond = self._beyond(step)
        np.matmul(step.spread, sizes, out=self.there.errors)
        np.matmul(step.value, values, out=self.there.held)
        self.here, self.there = self.there, self.here
        if beyond is not None:
            self.here.errors[beyond] = np.inf

    def _beyond(self, step: Step) -> NDArray[np.bool_] | None:
        """Where an intermediate result may overflow, if it may anywhere.

        First by the largest of all elements, as of the last look; a look costs a pass.
        """
        _, _, sizes, errors, magnitudes = self.here
        limit = self.format.largest / 4
        gradient = float(np.maximum.reduce(magnitudes[-1], initial=0.0))
        if self.off:
            gradient += float(np.maximum.reduce(sizes[-2], initial=0.0))
        for stale in (math.inf, 0.0):
            for i, size in enumerate(self.largest):
                if size >= stale or size != size:
                    self.largest[i] = float(np.maximum.reduce(errors[i], initial=0.0))
                    self.largest[i] += float(np.maximum.reduce(magnitudes[i], initial=0.0))
            peaks = [sum(map(operator.mul, row, (*self.largest, gradient))) for row in step.reach]
            if all(peak <= limit for peak in peaks):
                self.largest = [x * (1.0 + 2.0**-20) + f for x, f in zip(peaks, step.floor)]
                return None
        self.largest = [math.inf] * self.rows
        held = magnitudes.copy()
        held[:-1] += errors
        held[-1] += sizes[-2]
        return ~(np.array(step.reach) @ held + step.spread[:, -1:] <= self.format.largest)

    def hold(self, values: list[Array]) -> None:
        """The values, known more exactly."""
        for row, x in zip(self.here.held, values):
            row[...] = x


def off_format(x: Array, format: Format) -> float | Array:
    """What rounding to the format changes in given numbers; a plain 0 where they are its own."""
    if fits(x, format):
        return 0.0
    rounded = format.round(x)
    off = np.abs(rounded - x)
    if format.flushes:
        off = np.where(np.abs(x) < format.smallest_normal, np.abs(x), off)
    return off


def fits(x: Array, format: Format) -> bool:
    """All elements are numbers of the format."""
    return format.precision == 53 or bool(np.array_equal(format.round(x), x))
