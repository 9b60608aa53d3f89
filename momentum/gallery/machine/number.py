"""Numbers that round as a machine does, so that a rule can be run in a working precision."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from momentum.arithmetic import Format, format_of
from momentum.conventions import Hyper

Array = NDArray[np.float64]
Rounding = Callable[[ArrayLike], Array]
Factors = tuple[Array, Array]

WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64", "float64": "float64"}
NARROWER = {"float64": "float32", "float32": "float16", "float16": "bfloat16"}


class Number:
    """A value of a working format, held as float64; every operation rounds its result once.

    float64 has more than 2p + 2 bits for float32 (p = 24) and below, so rounding its result again
    to the format gives what the format's own operation gives (Figueroa 1995).
    weak: a scalar that takes on the other operand's rounding, such as a float64 hyper-parameter.
    fused: how a sum with a product is rounded in float64, where it is to round once; "odd" before
    a second rounding to a narrower format, else "nearest".
    """

    __slots__ = ("factors", "fused", "round", "value", "weak")
    __array_ufunc__ = None

    def __init__(
        self,
        value: ArrayLike,
        round: Rounding,
        weak: bool = False,
        fused: str = "",
        factors: Factors | None = None,
    ) -> None:
        self.value = np.asarray(value, dtype=np.float64)
        self.round = round
        self.weak = weak
        self.fused = fused
        self.factors = factors

    def like(self, value: ArrayLike) -> "Number":
        """Another value, rounded to the same format."""
        return Number(self.round(value), self.round, self.weak, self.fused)

    def map(self, function: Callable[[Array], ArrayLike]) -> "Number":
        """A function of the value that no rule written with + - * / can express, rounded once."""
        return self.like(function(self.value))

    def _with(self, other: "Number | ArrayLike") -> tuple["Number", "Number"]:
        """The other operand as a Number, and the one whose rounding the result has."""
        if not isinstance(other, Number):
            other = Number(other, _as_it_is, weak=True)
        return other, other if self.weak else self

    def __neg__(self) -> "Number":
        factors = None if self.factors is None else (-self.factors[0], self.factors[1])
        return Number(-self.value, self.round, self.weak, self.fused, factors)

    def __add__(self, other: "Number | ArrayLike") -> "Number":
        b, kind = self._with(other)
        if kind.fused and self.factors is not None:
            return kind.like(fused_multiply_add(*self.factors, b.value, kind.fused))
        if kind.fused and b.factors is not None:
            return kind.like(fused_multiply_add(*b.factors, self.value, kind.fused))
        return kind.like(self.value + b.value)

    __radd__ = __add__

    def __sub__(self, other: "Number | ArrayLike") -> "Number":
        b, kind = self._with(other)
        if kind.fused and not (self.factors is None and b.factors is None):
            return self + -b
        return kind.like(self.value - b.value)

    def __rsub__(self, other: "Number | ArrayLike") -> "Number":
        return self._with(other)[0] - self

    def __mul__(self, other: "Number | ArrayLike") -> "Number":
        b, kind = self._with(other)
        product = kind.like(self.value * b.value)
        if kind.fused:
            product.factors = self.value, b.value
        return product

    __rmul__ = __mul__

    def __truediv__(self, other: "Number | ArrayLike") -> "Number":
        b, kind = self._with(other)
        return kind.like(self.value / b.value)

    def __rtruediv__(self, other: "Number | ArrayLike") -> "Number":
        b, kind = self._with(other)
        return kind.like(b.value / self.value)

    def __bool__(self) -> bool:
        return bool(np.any(self.value != 0))


def _as_it_is(x: ArrayLike) -> Array:
    return np.asarray(x, dtype=np.float64)


def multiply_add(*operands: Any) -> "Number":
    """a b + c with one rounding, to the format of the first that is not weak."""
    x, y, z = (n if isinstance(n, Number) else Number(n, _as_it_is, weak=True) for n in operands)
    kind = next((n for n in (x, y, z) if not n.weak), x)
    return kind.like(fused_multiply_add(x.value, y.value, z.value, _last_digit(kind.round)))


@cache
def _last_digit(round: Rounding) -> str:
    """How a number of float64 is to be rounded that is rounded again."""
    ulp = 2.0**-52
    return "nearest" if float(round(1 + ulp)) == 1 + ulp else "odd"


def fused_multiply_add(a: Array, b: Array, c: Array, to: str = "nearest") -> Array:
    """a b + c in float64 from twice the digits, to nearest or, where it is inexact, to odd.

    Rounding to odd makes a second rounding, to a format of 51 bits or fewer, harmless.
    Sources: Dekker 1971 (product), Knuth, TAOCP 2, section 4.2.2 (sum); Boldo and Melquiond 2008.
    """
    product = np.asarray(a * b)
    total = np.asarray(product + c)
    part = total - product
    rest = np.asarray((product - (total - part)) + (c - part))
    if to == "odd" and _is_short(a) and _is_short(b):
        return _odd(total, rest)
    rest = rest + _product_error(a, b, product)
    rest = np.where(np.isfinite(rest), rest, 0.0)
    closer = np.asarray(total + rest)
    return closer if to == "nearest" else _odd(closer, np.asarray(rest - (closer - total)))


def _is_short(x: Array) -> bool:
    """The numbers have 24 digits, so that the product of two is a number of float64."""
    return bool((x.astype(np.float32) == x).all())


def _odd(nearest: Array, rest: Array) -> Array:
    """Of the two neighbours of nearest + rest the one with an odd last digit, where rest is not 0.

    As integers, the numbers of one sign stand in the order of their sizes.
    """
    bits = nearest.view(np.int64)
    away = (bits ^ rest.view(np.int64)) >> 63 | 1
    between = (rest != 0) & np.isfinite(rest) & (bits & 1 == 0)
    return np.asarray(bits + away * between).view(np.float64)


def _product_error(a: Array, b: Array, product: Array) -> Array:
    """What the rounded product lacks of the exact one, 0 where the split overflows."""

    def split(x: Array) -> Factors:
        scaled = 134217729.0 * x  # 2^27 + 1
        high = scaled - (scaled - x)
        return high, x - high

    (ah, al), (bh, bl) = split(a), split(b)
    error = ((ah * bh - product) + ah * bl + al * bh) + al * bl
    return np.where(np.isfinite(error), error, 0.0)


def towards_zero(format: Format) -> Rounding:
    """Rounding that cuts, for formats below float64."""

    def cut(x: ArrayLike) -> Array:
        nearest = np.clip(format.round(x), -format.largest, format.largest)
        # More than half and less than one and a half of the spacing below, in every binade.
        less = np.maximum(1.25 * format.u * np.abs(nearest), 0.75 * format.smallest_subnormal)
        lower = format.round(nearest - np.copysign(less, nearest))
        cut = np.where(np.abs(nearest) > np.abs(x), lower, nearest)
        return np.where(np.isfinite(x), cut, x)

    return cut


@dataclass(frozen=True)
class Working:
    """How a machine computes, where implementations legitimately differ.

    fused: products and sums in one rounding. inside: wider format between reading and writing.
    wide_state: the velocity stays in that wider format. wide_hyper: hyper-parameters are float64.
    cuts: rounds towards zero, which no format of IEEE 754 does by default.
    """

    fused: bool = False
    inside: bool = False
    wide_state: bool = False
    wide_hyper: bool = False
    cuts: bool = False

    def rounding(self, dtype: str) -> Rounding:
        """Of every operation."""
        format = format_of(WIDER[dtype] if self.inside else dtype)
        return towards_zero(format) if self.cuts else format.cast

    def number(self, value: ArrayLike, dtype: str) -> Number:
        """Something read from memory."""
        return Number(value, self.rounding(dtype), fused=self._fused(dtype))

    def _fused(self, dtype: str) -> str:
        if not self.fused:
            return ""
        return "nearest" if (WIDER[dtype] if self.inside else dtype) == "float64" else "odd"

    def hyper(self, value: ArrayLike, dtype: str) -> Number:
        """A hyper-parameter as the rule sees it; in half precision it has more digits."""
        if self.wide_hyper or self.inside:
            return Number(value, _as_it_is, weak=True)
        if dtype in ("float64", "float32"):
            return Number(
                format_of(dtype).cast(value), self.rounding(dtype), fused=self._fused(dtype)
            )
        single = format_of("float32").cast
        return Number(single(value), single, weak=True)

    def state_format(self, dtype: str) -> str:
        """Format in which the velocity is kept."""
        return WIDER[dtype] if self.wide_state else dtype


@lru_cache(maxsize=1024)
def hypers(working: Working, h: Hyper, dtype: str) -> Hyper:
    """Hyper-parameters as the rule sees them."""
    return h.lifted(lambda x: working.hyper(x, dtype))
