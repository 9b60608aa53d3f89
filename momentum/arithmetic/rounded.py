"""Numbers that carry a bound on their own rounding error (running error analysis).

Next to a value go a magnitude (the same expression with every term's absolute value) and a bound
on the distance between the value and what any implementation in the working format may hold.

Model of one operation: fl(a o b) = (a o b)(1 + d) + s with |d| <= u, and |s| <= half the smallest
subnormal for products and quotients (sums cannot underflow, unless the format flushes).
Sources: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.3;
Demmel 1984 for the underflow term; Hauser 1996 for sums.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic.formats import FORMATS, Format

_FLOAT32 = FORMATS["float32"]

Values = float | NDArray[np.float64]
"""One number, or an array of them."""


class Rounded:
    """A value, its magnitude and its error bound in a working format.

        magnitude(a +- b) = m_a + m_b    error = (e_a + e_b)(1 + u) + u m
        magnitude(a * b)  = m_a m_b      error = (e_a m_b + m_a e_b + e_a e_b)(1 + u) + u m + s
        magnitude(a / b)  = m_a / |b|    error by |1/b^ - 1/b| <= e_b / (|b| (|b| - e_b))

    `value` is float64 and rounds too; `own_error=True` counts that in, so that the bound holds for
    the distance to the computed value and not only to the exact one. Where an intermediate result
    may overflow the format, the bound is infinite: no claim is made.

    Multiplying by 0 or by a power of two and adding an exact zero are free of rounding, and counted
    so. Single numbers are hyper-parameters: sums of them (1 - momentum) are computed as they stand,
    so their magnitude is that of the sum. In a format of fewer bits than float32 an operation may
    round twice, in float32 and then in the format: u is the sum of both.

    Shapes: value, magnitude and error are floats or float64 arrays of one shape.
    """

    __slots__ = ("error", "floor", "format", "magnitude", "own_error", "peak", "u", "value")
    __array_ufunc__ = None  # an array on the left must hand over to our reflected operators

    value: Any
    magnitude: Any
    error: Any

    def __init__(
        self,
        value: Values,
        magnitude: Values,
        error: Values,
        format: Format,
        own_error: bool,
        peak: float,
        floor: float = 0.0,
    ) -> None:
        self.value = value
        self.magnitude = magnitude
        self.error = error
        self.format = format
        self.own_error = own_error
        self.u = format.operation_u_beside_float64 if own_error else format.operation_u
        self.peak = peak  # no element of magnitude + error, where finite, is larger
        self.floor = floor  # error of underflow, one number for all elements, not yet in `error`
        if not peak <= format.largest:
            size = magnitude + error
            claimed = size <= format.largest
            self.error = np.where(claimed, error, np.inf)
            # Elements without a claim must not silence the others through the shared peak.
            self.peak = float(np.max(np.where(claimed, size, 0.0), initial=0.0)) + floor

    @classmethod
    def of(cls, value: object, format: Format, own_error: bool = True) -> "Rounded":
        """A given number: its error is that of rounding it to the format, none where it fits."""
        if isinstance(value, (int, float)):
            number = float(value)
            error = abs(float(format.round(number)) - number)
            if format.u > _FLOAT32.u:  # it may as well be held in float32
                error = max(error, abs(float(_FLOAT32.round(number)) - number))
            return cls(number, abs(number), error, format, own_error, abs(number) + error)
        array = np.asarray(value, dtype=np.float64)
        magnitude = np.abs(array)
        peak = 2.0 * float(np.max(magnitude, initial=0.0))
        rounded = format.round(array)
        doubt: Any = 0.0 if np.array_equal(rounded, array) else np.abs(rounded - array)
        return cls(array, magnitude, doubt, format, own_error, peak)

    def stored(self, value: Values | None = None) -> "Rounded":
        """The number after it was written to memory: terms can be reordered no further.

        So its magnitude is its own absolute value again. `value` replaces the value by a more
        exact one.
        """
        held = self.value if value is None else value
        error = self.error + self.floor
        magnitude = np.abs(held)
        peak = self.peak + self.floor
        if not peak <= self.format.largest / 2:  # time to look how large they really are
            peak = float(np.max(magnitude, initial=0.0)) + float(np.max(error, initial=0.0))
        return Rounded(held, magnitude, error, self.format, self.own_error, peak)

    def rounded_once_more(self) -> "Rounded":
        """A stored number after a further rounding."""
        error = self.u * self.magnitude
        error += self.error + self.format.smallest_subnormal / 2
        return self._make(self.value, self.magnitude, error, self.peak * (1.0 + self.u), self.floor)

    def _make(
        self, value: Values, magnitude: Values, error: Values, peak: float, floor: float
    ) -> "Rounded":
        return Rounded(value, magnitude, error, self.format, self.own_error, peak, floor)

    def _lift(self, other: object) -> "Rounded":
        if isinstance(other, Rounded):
            return other
        return Rounded.of(other, self.format, self.own_error)

    def _is_exact_scalar(self) -> bool:
        return isinstance(self.value, float) and isinstance(self.error, float) and self.error == 0.0

    def _is_free_factor(self) -> bool:
        """Zero or a power of two."""
        return self._is_exact_scalar() and abs(math.frexp(self.value)[0]) in (0.0, 0.5)

    def __neg__(self) -> "Rounded":
        return self._make(-self.value, self.magnitude, self.error, self.peak, self.floor)

    def _sum(self, other: object, plus: bool) -> "Rounded":
        a, b = self, self._lift(other)
        if b._is_exact_scalar() and b.value == 0.0:
            return a
        if a._is_exact_scalar() and a.value == 0.0:
            return b if plus else -b
        grown = 1.0 + a.u
        value = a.value + b.value if plus else a.value - b.value
        magnitude = abs(value) if isinstance(value, float) else a.magnitude + b.magnitude
        error = a.error + b.error  # a new number or array, so what follows may work in place
        error *= grown
        error += a.u * magnitude
        return self._make(
            value,
            magnitude,
            error,
            (a.peak + b.peak) * grown,
            (a.floor + b.floor) * grown + a.format.lost_in_sums,
        )

    def __add__(self, other: object) -> "Rounded":
        return self._sum(other, True)

    def __radd__(self, other: object) -> "Rounded":
        return self._lift(other)._sum(self, True)

    def __sub__(self, other: object) -> "Rounded":
        return self._sum(other, False)

    def __rsub__(self, other: object) -> "Rounded":
        return self._lift(other)._sum(self, False)

    def __mul__(self, other: object) -> "Rounded":
        a, b = self, self._lift(other)
        if a._is_exact_scalar() and not b._is_free_factor():
            a, b = b, a
        underflow = self.format.underflow
        if b._is_exact_scalar():
            factor = abs(b.value)
            if factor == 0.0:
                zero = Rounded.of(0.0, self.format, self.own_error)
                if np.any(np.isinf(a.error)):  # it may be infinite, and 0 inf is not 0
                    zero.error = np.where(np.isinf(a.error), np.inf, 0.0)
                return zero
            if factor == 1.0:
                return a if b.value > 0 else -a
            if b._is_free_factor():  # only underflow can round
                floor = a.floor * factor + (underflow if factor < 1.0 else 0.0)
                error = a.error * factor
                return self._make(
                    a.value * b.value, a.magnitude * factor, error, a.peak * factor + floor, floor
                )
        grown = 1.0 + self.u
        # Grouped so that a scalar b costs two products and one sum over the array a.
        error = a.error * ((b.magnitude + b.error) * grown)
        error += a.magnitude * (b.error * grown + self.u * b.magnitude)
        floor = (a.floor * (b.peak + b.floor) + b.floor * (a.peak + a.floor)) * grown
        floor += underflow
        peak = a.peak * b.peak * grown + floor
        return self._make(a.value * b.value, a.magnitude * b.magnitude, error, peak, floor)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> "Rounded":
        b = self._lift(other)
        doubt = b.error + b.floor
        least = np.abs(b.value) - doubt  # the divisor is at least this large
        with np.errstate(all="ignore"):
            magnitude = self.magnitude / np.abs(b.value)
            error = (self.error + self.floor + magnitude * doubt) / least * (1.0 + self.u)
            error = error + self.u * magnitude + self.format.underflow
            error = np.where(least > 0, error, np.inf)
            return self._make(self.value / b.value, magnitude, error, math.inf, 0.0)
