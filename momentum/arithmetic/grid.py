"""Numbers that know when computing with them is free of rounding.

A number is a whole multiple of a quantum, a power of two. Every sum of multiples of one quantum is
such a multiple again, and a format with p bits holds it as long as it is at most 2^p quanta. The
magnitude is the sum of the terms' absolute values, so a number that fits does so in every order of
evaluation, multiplied out or not, with and without fused multiply-add, and in any wider format.
"""

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic.formats import Format

Array = NDArray[np.float64]
Fits = NDArray[np.bool_]


class Grid:
    """A value, its quantum, its magnitude, and whether it came about without rounding.

        q(a +- b) = min(q_a, q_b)    m(a +- b) = m_a + m_b
        q(a * b)  = q_a q_b          m(a * b)  = m_a m_b
        fits      = both fitted, m <= 2^precision q, and no overflow or underflow

    A quotient fits where its divisor is a power of two. Where a number fits, the float64 value is
    the exact one: no supported format has more bits.

    Shapes: value, quantum, magnitude and fits are arrays of one shape.
    Source: Shewchuk 1997, Adaptive Precision Floating-Point Arithmetic, section 2.2, for sums.
    """

    __slots__ = ("fits", "format", "magnitude", "quantum", "value")
    __array_ufunc__ = None  # an array on the left must hand over to our reflected operators

    def __init__(
        self, value: Array, quantum: Array, magnitude: Array, fits: Fits, format: Format
    ) -> None:
        self.value, self.quantum, self.magnitude, self.format = value, quantum, magnitude, format
        held = (magnitude <= 2.0**format.precision * quantum) & (magnitude <= format.largest)
        self.fits = fits & held & (quantum >= format.smallest_normal)

    @classmethod
    def of(cls, value: object, format: Format, fits: bool | Fits = True) -> "Grid":
        """A given number with the coarsest quantum that it is a multiple of; infinite for 0."""
        array = np.asarray(value, dtype=np.float64)
        significand, exponent = np.frexp(array)
        whole = np.ldexp(significand, 53).astype(np.int64)
        lowest = (whole & -whole).astype(np.float64)
        quantum = np.where(array == 0, np.inf, np.ldexp(lowest, exponent - 53))
        return cls(array, quantum, np.abs(array), np.asarray(fits), format)

    def stored(self) -> "Grid":
        """The number after it was written to memory: its terms can be reordered no further."""
        return Grid.of(self.value, self.format, self.fits)

    def _lift(self, other: object) -> "Grid":
        return other if isinstance(other, Grid) else Grid.of(other, self.format)

    def _make(self, other: "Grid", value: Array, quantum: Array, magnitude: Array) -> "Grid":
        return Grid(value, quantum, magnitude, self.fits & other.fits, self.format)

    def __neg__(self) -> "Grid":
        return Grid(-self.value, self.quantum, self.magnitude, self.fits, self.format)

    def __add__(self, other: object) -> "Grid":
        b = self._lift(other)
        quantum = np.minimum(self.quantum, b.quantum)
        return self._make(b, self.value + b.value, quantum, self.magnitude + b.magnitude)

    __radd__ = __add__

    def __sub__(self, other: object) -> "Grid":
        return self + (-self._lift(other))

    def __rsub__(self, other: object) -> "Grid":
        return self._lift(other) + (-self)

    def __mul__(self, other: object) -> "Grid":
        b = self._lift(other)
        quantum = self.quantum * b.quantum
        return self._make(b, self.value * b.value, quantum, self.magnitude * b.magnitude)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> "Grid":
        b = self._lift(other)
        power = np.abs(np.frexp(b.value)[0]) == 0.5
        divisor = np.where(power, b.value, 1.0)
        size = np.abs(divisor)
        result = Grid.of(self.value / divisor, self.format)
        magnitude, quantum = self.magnitude / size, self.quantum / size
        return Grid(result.value, quantum, magnitude, self.fits & b.fits & power, self.format)
