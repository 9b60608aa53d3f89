"""Sums of products, multiplied out: the reading of a rule that shows what any algebra makes of it.

Read over these numbers, a rule that is linear in its arrays becomes a list of terms, each a whole
coefficient, some factors (hyper-parameters, and sums of them as they stand), and one array. Every
way to commute, reassociate, distribute or factor the rule multiplies out to the same terms.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Made(NamedTuple):
    """The numbers made while a rule is read, in order; some of them are given names at once."""

    numbers: list["Expanded"]
    named: Mapping[int, tuple["Term", ...]]


_made: ContextVar[Made | None] = ContextVar("made", default=None)


@contextmanager
def making(named: Mapping[int, tuple["Term", ...]] | None = None) -> Iterator[list["Expanded"]]:
    """Collect the numbers made; the i-th of them has the terms `named[i]`, where given."""
    made = Made([], named or {})
    token = _made.set(made)
    try:
        yield made.numbers
    finally:
        _made.reset(token)


class NotLinear(TypeError):
    """A rule that is no linear function of its arrays, or that looks at its numbers."""


class Compound(NamedTuple):
    """A sum of products that stands as one factor, or (inverse) divides."""

    terms: tuple["Term", ...]
    inverse: bool = False


Factor = str | float | Compound
"""A named number, a constant, or a sum of products of these."""


class Term(NamedTuple):
    """coefficient times all factors, times the array `atom`; no atom where it is a pure number.

    sums: how many sums of arrays it goes through, as the rule is written.
    """

    coefficient: int
    factors: tuple[Factor, ...] = ()
    atom: str = ""
    sums: int = 0


class Expanded:
    """A sum of terms: a pure number, or a linear function of arrays.

        a + b: the terms of both    a * b: one of them is a number; a sum becomes one factor

    Terms are not cancelled: v + (d - v) keeps three, as a machine computes with three.
    Raises: NotLinear for a product of arrays, a number added to an array, or a comparison.
    """

    __slots__ = ("terms",)
    __array_ufunc__ = None

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms = tuple(terms)
        made = _made.get()
        if made is not None:
            self.terms = made.named.get(len(made.numbers), self.terms)
            made.numbers.append(self)

    @classmethod
    def number(cls, name: str) -> "Expanded":
        """A hyper-parameter, neither 0 nor 1."""
        return cls([Term(1, (name,))])

    @classmethod
    def array(cls, name: str) -> "Expanded":
        """An array."""
        return cls([Term(1, (), name)])

    @property
    def is_array(self) -> bool:
        """A function of arrays, and not a pure number."""
        return any(t.atom for t in self.terms)

    def __neg__(self) -> "Expanded":
        return Expanded(t._replace(coefficient=-t.coefficient) for t in self.terms)

    def __add__(self, other: object) -> "Expanded":
        b = lift(other)
        if self.terms and b.terms and self.is_array != b.is_array:
            raise NotLinear("a number is added to an array")
        if self.is_array and b.is_array:
            return Expanded(t._replace(sums=t.sums + 1) for t in self.terms + b.terms)
        if self.is_array or b.is_array:
            return Expanded(self.terms + b.terms)
        if not self.terms or not b.terms:
            return Expanded(self.terms + b.terms)
        left, right = self._single(), b._single()
        if not left.factors and not right.factors:  # 1 - 1 rounds nowhere
            return Expanded(lift(left.coefficient + right.coefficient).terms)
        return Expanded([left, right])

    def _single(self) -> Term:
        """A pure number as one term: a sum stands as one factor."""
        return self.terms[0] if len(self.terms) == 1 else Term(1, (Compound(self.terms),))

    __radd__ = __add__

    def __sub__(self, other: object) -> "Expanded":
        return self + -lift(other)

    def __rsub__(self, other: object) -> "Expanded":
        return lift(other) + -self

    def __mul__(self, other: object) -> "Expanded":
        a, b = self, lift(other)
        if a.is_array:
            a, b = b, a
        if a.is_array:
            raise NotLinear("an array is multiplied by an array")
        if not a.terms or not b.terms:
            return Expanded(())
        one = a._single()
        return Expanded(
            Term(one.coefficient * t.coefficient, one.factors + t.factors, t.atom, t.sums)
            for t in (b.terms if b.is_array else [b._single()])
        )

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> "Expanded":
        b = lift(other)
        if b.is_array or not b.terms:
            raise NotLinear("a division by an array, or by zero")
        return self * Expanded([Term(1, (Compound(b.terms, inverse=True),))])

    def __rtruediv__(self, other: object) -> "Expanded":
        return lift(other) / self

    def __bool__(self) -> bool:
        if self.is_array or len(self.terms) > 1:
            raise NotLinear("a rule looks at its numbers")
        return bool(self.terms)

    def __eq__(self, other: object) -> bool:
        # A lone name stands for a number that is neither 0 nor 1, zero for no terms at all.
        if other in (0, 1) and not self.is_array and len(self.terms) <= 1:
            return self.terms == lift(other).terms
        raise NotLinear("a rule looks at its numbers")

    __hash__ = None  # type: ignore[assignment]  # as Python says that equals have none

    def __float__(self) -> float:
        raise NotLinear("a rule looks at its numbers")


def lift(number: object) -> Expanded:
    """A constant as a sum of terms. Raises: NotLinear for what is no number."""
    if isinstance(number, Expanded):
        return number
    if isinstance(number, (int, float)):
        if number == int(number):
            return Expanded([Term(int(number))] if number else ())
        return Expanded([Term(1, (float(number),))])
    raise NotLinear(f"{type(number).__name__} is no number")


def cancelled(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The same sum with its compounds multiplied out too, and equal products taken together."""
    total: Counter[tuple[tuple[Factor, ...], str]] = Counter()
    for term in terms:
        products: list[tuple[int, tuple[Factor, ...]]] = [(term.coefficient, ())]
        for factor in term.factors:
            if isinstance(factor, Compound) and not factor.inverse:
                inner = [(t.coefficient, t.factors) for t in cancelled(factor.terms)]
            else:
                inner = [(1, (factor,))]
            products = [(c * k, f + g) for c, f in products for k, g in inner]
        for c, factors in products:
            total[tuple(sorted(factors, key=repr)), term.atom] += c
    return tuple(Term(c, factors, atom) for (factors, atom), c in total.items() if c)
