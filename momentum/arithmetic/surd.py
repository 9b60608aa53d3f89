"""Real numbers made of rationals and square roots, one over another, without rounding.

    a + b sqrt(d),    a, b, d: rationals, or numbers of the same kind made of fewer roots

d has no root among the numbers that a and b are taken from, so that every number is written in one
way only: it is zero where a and b are, and what turns out rational is a rational again.
"""

import math
from functools import total_ordering
from typing import NamedTuple, Union

from flint import arb, ctx, fmpq, fmpz

from momentum.arithmetic.near import Near

_PRIMES = [n for n in range(2, 200) if all(n % k for k in range(2, n))]


class Radical(NamedTuple):
    """A square root that is no number made of rationals and of the roots below it."""

    value: "Exact"
    below: Union["Radical", None] = None

    @property
    def height(self) -> int:
        """How many roots it and those below it are."""
        return 1 + height(self.below)


def height(radical: Radical | None) -> int:
    """How many square roots a field has on top of the rationals."""
    return 0 if radical is None else radical.height


@total_ordering
class Surd:
    """a + b sqrt(d) with b that is not 0; adds, multiplies, divides and compares exactly.

    Two numbers meet where one's roots are the first ones of the other.
    """

    __slots__ = ("a", "b", "radical")

    def __init__(self, a: "Exact", b: "Exact", radical: Radical) -> None:
        self.a, self.b, self.radical = a, b, radical

    def __add__(self, other: object) -> "Exact":
        pairs = _pairs(self, other)
        if pairs is None:
            return NotImplemented
        (a, b), (c, d), radical = pairs
        return _number(a + c, b + d, radical)

    def __mul__(self, other: object) -> "Exact":
        pairs = _pairs(self, other)
        if pairs is None:
            return NotImplemented
        (a, b), (c, d), radical = pairs
        return _number(a * c + b * d * radical.value, a * d + b * c, radical)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Surd":
        return Surd(-self.a, -self.b, self.radical)

    def __sub__(self, other: "Exact | fmpz | int") -> "Exact":
        return self + -other

    def __rsub__(self, other: object) -> "Exact":
        return -self + other

    def __rtruediv__(self, other: "Exact | fmpz | int") -> "Exact":
        """1 / (a + b sqrt(d)) = (a - b sqrt(d)) / (a^2 - b^2 d)."""
        norm = self.a * self.a - self.b * self.b * self.radical.value
        return other * Surd(self.a / norm, -self.b / norm, self.radical)

    def __truediv__(self, other: "Exact | fmpz | int") -> "Exact":
        return self * (fmpq(1) / other)

    def __pow__(self, n: int) -> "Exact":
        return math.prod([self] * n, start=fmpq(1)) if n >= 0 else 1 / self**-n

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surd) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> "tuple[Exact, Exact, Radical]":
        return self.a, self.b, self.radical

    def __lt__(self, other: "Exact | fmpz | int") -> bool:
        return _negative(self - other)

    def __abs__(self) -> "Surd":
        return -self if self < 0 else self

    def __float__(self) -> float:
        """The nearest float64: it lies between two numbers that round to one."""
        bits = 64
        while True:
            with ctx.workprec(bits):
                ball = _ball(self)
                if ball.is_finite():
                    low, high = (_divided(x) for x in (ball.lower(), ball.upper()))
                    if low == high:
                        return low
            bits *= 2

    def __str__(self) -> str:
        return _written(self.a, self.b, self.radical.value)

    __repr__ = __str__


Exact = fmpq | Surd | Near
"""Numbers that are held without rounding, or with hundreds of digits."""

EXACT = (fmpq, Surd, Near)


def root(x: Exact, radical: Radical | None = None) -> Exact | None:
    """The square root among rationals and the numbers made of these roots; None where none is.

    With (u + v sqrt(d))^2 = a + b sqrt(d) the norm a^2 - b^2 d is the square of one n, and
    u^2 = (a + n) / 2 or (a - n) / 2.
    """
    if isinstance(x, Near):
        return x.root() if x >= 0 else None
    if radical is None:
        assert isinstance(x, fmpq)
        p, q = _whole_root(x.p), _whole_root(x.q)
        return None if p is None or q is None else fmpq(p, q)
    (a, b), below = _parts(x, radical), radical.below
    if b == 0:
        found = root(a, below)
        part = root(a / radical.value, below) if found is None else None
        return found if part is None else Surd(fmpq(0), part, radical)
    norm = root(a * a - b * b * radical.value, below)
    for n in () if norm is None else (norm, -norm):
        u = root((a + n) / 2, below)
        if u is not None:
            return _number(u, b / (2 * u), radical)
    return None


def new_root(x: Exact, radical: Radical | None) -> Surd:
    """The square root of a positive number that has none yet, on top of the roots there are."""
    part = fmpq(1)
    if isinstance(x, fmpq):
        part, x = fmpq(1, x.q), fmpq(x.p * x.q)
        for prime in _PRIMES:
            while x.p % prime**2 == 0:
                part, x = part * prime, x / prime**2
    return Surd(fmpq(0), part, Radical(x, radical))


_Parts = tuple[Exact, Exact]


def _whole_root(n: fmpz) -> int | None:
    found = math.isqrt(abs(int(n)))
    return found if found**2 == n else None


def _parts(x: Exact, radical: Radical) -> _Parts:
    """a and b over a radical that is x's own or above it."""
    if isinstance(x, Surd) and x.radical.height == radical.height:
        return x.a, x.b
    return x, fmpq(0)


def _pairs(x: Surd, y: object) -> tuple[_Parts, _Parts, Radical] | None:
    if not isinstance(y, Surd):
        if not isinstance(y, (fmpq, int, fmpz)):
            return None
        return (x.a, x.b), (fmpq(y), fmpq(0)), x.radical
    high, low = (x, y) if x.radical.height >= y.radical.height else (y, x)
    meets: Radical | None = high.radical
    while height(meets) > low.radical.height:
        assert meets is not None
        meets = meets.below
    if meets != low.radical:
        raise ValueError(f"{x} and {y} are made of different square roots")
    return _parts(x, high.radical), _parts(y, high.radical), high.radical


def _number(a: Exact, b: Exact, radical: Radical) -> Exact:
    return a if b == 0 else Surd(a, b, radical)


def _negative(x: Exact) -> bool:
    """The sign, from enclosures that shrink until they exclude 0."""
    if not isinstance(x, Surd):
        return bool(x < 0)
    bits = 64
    while True:
        with ctx.workprec(bits):
            ball = _ball(x)
            if ball.is_finite() and not ball.contains(0):
                return bool(ball < 0)
        bits *= 2


def _ball(x: Exact) -> arb:
    """An enclosure of the number in the working precision."""
    if isinstance(x, fmpq):
        return arb(x)
    assert isinstance(x, Surd)
    return _ball(x.a) + _ball(x.b) * _ball(x.radical.value).sqrt()


def _divided(end: arb) -> float:
    """The float64 nearest to the end of an enclosure."""
    mantissa, exponent = (int(x) for x in end.man_exp())
    try:
        return float(mantissa << exponent) if exponent >= 0 else mantissa / (1 << -exponent)
    except OverflowError:
        return math.copysign(math.inf, mantissa)


def _written(a: Exact, b: Exact, d: Exact) -> str:
    """`(sqrt(5) - 1)/2`, and `a + (b)*sqrt(d)` of numbers that have roots themselves."""
    if not (isinstance(a, fmpq) and isinstance(b, fmpq)):
        return f"{a} + ({b})*sqrt({d})" if a != 0 else f"({b})*sqrt({d})"
    whole = math.lcm(int(a.q), int(b.q))
    first, second = int(a * whole), int(b * whole)
    times = "" if abs(second) == 1 else f"{abs(second)}*"
    terms = [(first, str(abs(first))), (second, f"{times}sqrt({d})")]
    terms = sorted((t for t in terms if t[0]), key=lambda t: t[0] < 0)
    text = "".join(
        f"{' - ' if n < 0 else ' + '}{word}" if i else f"{'-' if n < 0 else ''}{word}"
        for i, (n, word) in enumerate(terms)
    )
    return text if whole == 1 else f"({text})/{whole}" if len(terms) > 1 else f"{text}/{whole}"
