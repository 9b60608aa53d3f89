"""Numbers that carry their derivatives by several variables, through a rule's own text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Dual:
    """A value and its slopes, one row a variable.

        (a + b)' = a' + b'    (a b)' = a' b + a b'    (a / b)' = (a' - (a / b) b') / b

    Shapes: value (n,) or (); slope (variables, n) or (variables, 1).
    """

    __slots__ = ("slope", "value")
    __array_ufunc__ = None  # an array on the left must hand over to our reflected operators

    value: Any
    slope: Any

    def __init__(self, value: object, slope: float | Array) -> None:
        self.value, self.slope = value, slope

    @classmethod
    def variable(cls, value: float, i: int, count: int) -> "Dual":
        """The variable number i of `count`."""
        return cls(value, np.eye(count)[:, i : i + 1])

    def __neg__(self) -> "Dual":
        return Dual(-self.value, -self.slope)

    def __add__(self, other: object) -> "Dual":
        b = _lift(other)
        return Dual(self.value + b.value, self.slope + b.slope)

    __radd__ = __add__

    def __sub__(self, other: object) -> "Dual":
        return self + -_lift(other)

    def __rsub__(self, other: object) -> "Dual":
        return _lift(other) - self

    def __mul__(self, other: object) -> "Dual":
        b = _lift(other)
        return Dual(self.value * b.value, self.slope * b.value + self.value * b.slope)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> "Dual":
        b = _lift(other)
        value = self.value / b.value
        return Dual(value, (self.slope - value * b.slope) / b.value)

    def __rtruediv__(self, other: object) -> "Dual":
        return _lift(other) / self


def _lift(number: object) -> Dual:
    return number if isinstance(number, Dual) else Dual(number, 0.0)
