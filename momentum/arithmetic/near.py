"""Real numbers known to some hundred digits: enclosures, where what is closer than that is equal.

For what roots over roots without end would be needed for, each of which doubles an exact number.
"""

from collections.abc import Callable
from functools import total_ordering
from operator import add, mul, sub
from typing import cast

from flint import arb, ctx, fmpq, fmpz

BITS = 4096
"""Working precision. What a run of many steps loses of it is in the enclosures."""

DIGITS = 150
CLOSE = arb(10) ** -DIGITS
"""Numbers whose distance is certainly less are taken to be equal."""


class Lost(ArithmeticError):
    """An enclosure grew too wide to say whether two numbers are equal."""


def _operator(act: Callable[[arb, arb], arb]) -> "Callable[[Near, object], Near]":
    """An operator of numbers that are enclosed, or rational, from that of their enclosures."""

    def operated(self: "Near", other: object) -> "Near":
        if not isinstance(other, (Near, fmpq, fmpz, int)):
            return cast(Near, NotImplemented)
        with ctx.workprec(BITS):
            return Near(act(self.ball, other.ball if isinstance(other, Near) else arb(other)))

    return operated


def _quotient(a: arb, b: arb) -> arb:
    if Near(b) == 0:
        raise ZeroDivisionError
    return a / b


@total_ordering
class Near:
    """One such number. ball: its enclosure."""

    __slots__ = ("ball",)

    def __init__(self, ball: arb) -> None:
        self.ball = ball

    @classmethod
    def of(cls, x: fmpq) -> "Near":
        """A rational."""
        with ctx.workprec(BITS):
            return cls(arb(x))

    __add__ = __radd__ = _operator(add)
    __mul__ = __rmul__ = _operator(mul)
    __sub__ = _operator(sub)
    __rsub__ = _operator(lambda a, b: b - a)
    __truediv__ = _operator(_quotient)
    __rtruediv__ = _operator(lambda a, b: _quotient(b, a))

    def root(self) -> "Near":
        """Its square root, where it is positive."""
        with ctx.workprec(BITS):
            return Near(self.ball.sqrt())

    def __neg__(self) -> "Near":
        return 0 - self

    def __pow__(self, n: int) -> "Near":
        with ctx.workprec(BITS):
            return Near(self.ball**n)

    def __eq__(self, other: object) -> bool:
        apart = self.__sub__(other)
        if apart is NotImplemented:
            return False
        if -CLOSE < apart.ball < CLOSE:
            return True
        if apart.ball.contains(0) or not apart.ball.is_finite():
            raise Lost("an enclosure is too wide")
        return False

    def __hash__(self) -> int:
        return hash(float(self))

    def __bool__(self) -> bool:
        return self != 0

    def __lt__(self, other: object) -> bool:
        return self != other and bool((self - other).ball < 0)

    def __abs__(self) -> "Near":
        return -self if self < 0 else self

    def __float__(self) -> float:
        return float(self.ball.mid())

    def __int__(self) -> int:
        return round(float(self))

    def __str__(self) -> str:
        return f"{self.ball.str(40, radius=False)}..."

    __repr__ = __str__
