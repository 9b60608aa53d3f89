"""Exact numbers without common divisors: whole numbers times one power of two.

Floats are such numbers, and + - * lead to no others, so nothing is ever cancelled. Where a rule
divides, balls (a middle and a radius, of whatever precision it takes) stand for the quotients.
Source: Johansson 2017, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic.
"""

import math
from typing import Any, cast

import flint
import numpy as np
from flint import arb, fmpq, fmpz
from numpy.typing import ArrayLike, NDArray

from momentum.arithmetic.exact import Given, Rationals, exact

Array = NDArray[np.float64]
Balls = NDArray[np.object_]
Digits = fmpz | NDArray[np.object_]

# Bits of a number that decide how it rounds; the rest of it is rounded from them, too.
_BITS = 170
_SHORT = (1 << 64) - 1

_BEYOND = arb(2) ** 1024 - arb(2) ** 970
"""What is larger is infinite as a float64."""

_NORMAL = 2.0**-1022
"""The smallest normal number."""


class Dyadic:
    """digits 2^-exponent, one exponent for a whole array. There is no division.

    Shapes: digits is one whole number or an object array of them.
    """

    __slots__ = ("digits", "exponent")
    __array_ufunc__ = None  # an array on the left must hand over to our reflected operators
    digits: Any

    def __init__(self, digits: Digits, exponent: int) -> None:
        self.digits, self.exponent = digits, exponent

    @classmethod
    def of(cls, x: object) -> "Dyadic":
        """A number or an array of floats. Raises: TypeError for a rational that is not dyadic."""
        if isinstance(x, Dyadic):
            return x
        if isinstance(x, np.ndarray):
            significand, power = np.frexp(x)
            power = np.where(x == 0, np.iinfo(np.int32).max, power - 53)
            exponent = -int(power.min(initial=0))
            pairs = zip(np.ldexp(significand, 53).ravel(), power.ravel())
            digits = [fmpz(int(m)) << (int(p) + exponent) if m else fmpz(0) for m, p in pairs]
            return cls(np.array([*digits, None], dtype=object)[:-1].reshape(x.shape), exponent)
        number = exact(cast(Given, x))
        exponent = int(number.q).bit_length() - 1
        if number.q != 1 << exponent:
            raise TypeError(f"{x} is not dyadic")
        return cls(number.p, exponent)

    def _aligned(self, other: object) -> tuple[Any, Any, int]:
        b = Dyadic.of(other)
        by = self.exponent - b.exponent
        if by >= 0:
            return self.digits, b.digits << by if by else b.digits, self.exponent
        return self.digits << -by, b.digits, b.exponent

    def __neg__(self) -> "Dyadic":
        return Dyadic(-self.digits, self.exponent)

    def __add__(self, other: object) -> "Dyadic":
        if isinstance(other, int) and not other:
            return self
        a, b, exponent = self._aligned(other)
        return Dyadic(a + b, exponent)

    __radd__ = __add__

    def __sub__(self, other: object) -> "Dyadic":
        if isinstance(other, int) and not other:
            return self
        a, b, exponent = self._aligned(other)
        return Dyadic(a - b, exponent)

    def __rsub__(self, other: object) -> "Dyadic":
        return -self + other

    def __mul__(self, other: object) -> "Dyadic | int":
        if isinstance(other, int) and other in (0, 1):
            return self if other else 0
        b = Dyadic.of(other)
        return Dyadic(self.digits * b.digits, self.exponent + b.exponent)

    __rmul__ = __mul__


def scalar(x: Given) -> Dyadic | int:
    """A hyper-parameter as an exact number: 0 and 1 as they are, so that they cost nothing."""
    return int(x) if not isinstance(x, fmpq) and x in (0, 1) else Dyadic.of(x)


def rounded(x: object, size: int) -> tuple[Array, Array]:
    """The nearest float64 of each element, and what is left of it then, rounded as well."""
    number = Dyadic.of(x)
    digits = np.broadcast_to(np.asarray(number.digits, dtype=object), (size,))
    pairs = [_split(d, -number.exponent) for d in digits]
    return _columns(pairs)


def rationals(x: object) -> Rationals:
    """The same numbers as rationals, for who computes with them."""
    number = Dyadic.of(x)
    scale = fmpq(1, fmpz(1) << number.exponent)
    return np.array([*(fmpq(d) * scale for d in np.ravel(number.digits)), None], object)[:-1]


class Undecided(ArithmeticError):
    """Balls are too large to say how a number rounds."""


def balls(x: ArrayLike) -> Balls:
    """An array of floats, exactly."""
    return np.array([*map(arb, np.ravel(x).tolist()), None], dtype=object)[:-1]


def ball(x: Given) -> arb | int:
    """A hyper-parameter; 0 and 1 as they are."""
    return int(x) if not isinstance(x, fmpq) and x in (0, 1) else arb(exact(x))


def rounded_balls(x: Balls | arb | int, size: int) -> tuple[Array, Array]:
    """As `rounded`, of what lies in the balls. Raises: Undecided."""
    if not isinstance(x, arb | int):
        return _columns([*map(_split_ball, x)])
    return _columns([_split_ball(x)] * size)  # the same for all elements


class Precision:
    """Bits with which balls are computed, within a with statement."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def __enter__(self) -> None:
        self.before, flint.ctx.prec = flint.ctx.prec, self.bits

    def __exit__(self, *_: object) -> None:
        flint.ctx.prec = self.before


def _columns(pairs: list[tuple[float, float]]) -> tuple[Array, Array]:
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _split_ball(x: arb | int) -> tuple[float, float]:
    if not isinstance(x, arb):
        x = arb(x)
    value = float(x)
    if abs(x) > _BEYOND:
        return value, 0.0
    if math.isfinite(value) and x.rel_accuracy_bits() >= _BITS // 2:
        left = x - value
        # Below a power of two, and above the subnormal numbers, the next one is half as far.
        narrow = abs(math.frexp(value)[0]) == 0.5 and abs(value) > _NORMAL
        if left.abs_upper() * (4 if narrow else 2) < math.ulp(value):
            return value, float(left)
    if x.is_exact() and x.is_finite():
        digits, power = x.man_exp()
        return _split(digits, int(power))
    raise Undecided


def _split(digits: fmpz, power: int) -> tuple[float, float]:
    """digits 2^power, rounded to nearest, ties to even, and what is left."""
    extra = digits.bit_length() - _BITS
    if extra > 0:
        value, left, scale = _divided(int(digits >> extra), power + extra)
        # What is cut off counts where the rest is short: a tie, or a number that nearly fits.
        kept = left >> (power + extra - scale)
        if kept & _SHORT and abs(kept) > _SHORT:
            return value, _float(left, scale)
    value, left, scale = _divided(int(digits), power)
    return value, _float(left, scale)


def _divided(digits: int, power: int) -> tuple[float, int, int]:
    """The float64 nearest to digits 2^power, and the rest as a whole number and a power."""
    value = _float(digits, power)
    if not math.isfinite(value):
        return value, 0, 0
    whole, denominator = value.as_integer_ratio()
    below = denominator.bit_length() - 1
    scale = min(-below, power)
    return value, (digits << (power - scale)) - (whole << (-below - scale)), scale


def _float(digits: int, power: int) -> float:
    """digits 2^power as the nearest float64, infinite beyond the largest."""
    try:
        if power >= 0:
            return float(digits << power)
        # Neither too long for a float itself, nor a subnormal number, which would round twice.
        if -1000 - power < digits.bit_length() < 1000:
            return math.ldexp(float(digits), power)
        return digits / (1 << -power)
    except OverflowError:
        return math.inf if digits > 0 else -math.inf
