"""Numbers that remember how they came about: a rule's text, run over them, is the rule as data.

An expression is a symbol, a rational number, or an operation on expressions: + - * / and the fused
a b + c. Equal expressions are one expression, so a rule is a graph in which nothing is computed
twice. Numbers are folded and 0 and 1 left out where that changes no value; nothing else is.
"""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, TypeVar, cast
from weakref import WeakValueDictionary

from momentum.arithmetic.number import Number

Operation = Literal["symbol", "number", "negative", "+", "-", "*", "/", "fma"]


N = TypeVar("N", bound=Number)


class BranchError(TypeError):
    """A rule asks which value a number has, so that no expression can say what it does."""


@dataclass(frozen=True, eq=False)
class Expression:
    """One node of the graph; made by `symbol`, `number`, `made` and the operators."""

    operation: Operation
    args: "tuple[Expression, ...]"
    name: str
    value: Fraction

    __array_ufunc__ = None  # an array on the left must hand over to our reflected operators

    def __neg__(self) -> "Expression":
        if self.operation == "number":
            return number(-self.value)
        return self.args[0] if self.operation == "negative" else made("negative", self)

    def __add__(self, other: object) -> "Expression":
        a, b = self, lifted(other)
        if a.is_number and b.is_number:
            return number(a.value + b.value)
        if b.is_(0):
            return a
        return b if a.is_(0) else made("+", a, b)

    def __radd__(self, other: object) -> "Expression":
        return lifted(other) + self

    def __sub__(self, other: object) -> "Expression":
        a, b = self, lifted(other)
        if a.is_number and b.is_number:
            return number(a.value - b.value)
        if b.is_(0):
            return a
        return -b if a.is_(0) else made("-", a, b)

    def __rsub__(self, other: object) -> "Expression":
        return lifted(other) - self

    def __mul__(self, other: object) -> "Expression":
        a, b = self, lifted(other)
        if a.is_number and b.is_number:
            return number(a.value * b.value)
        if a.is_(0) or b.is_(0):
            return number(0)
        if b.is_(1):
            return a
        return b if a.is_(1) else made("*", a, b)

    def __rmul__(self, other: object) -> "Expression":
        return lifted(other) * self

    def __truediv__(self, other: object) -> "Expression":
        a, b = self, lifted(other)
        if a.is_number and b.is_number:
            return number(a.value / b.value)
        if b.is_(1) or a.is_(0):
            return a
        return made("/", a, b)

    def __rtruediv__(self, other: object) -> "Expression":
        return lifted(other) / self

    def __bool__(self) -> bool:
        if self.operation == "number":
            return self.value != 0
        raise BranchError(f"the rule asks whether {self!r} is 0")

    def __repr__(self) -> str:
        if self.operation in ("symbol", "number"):
            return self.name or str(self.value)
        return f"({self.operation} {' '.join(map(repr, self.args))})"

    @property
    def is_number(self) -> bool:
        """A known rational number."""
        return self.operation == "number"

    def is_(self, value: int) -> bool:
        """This number."""
        return self.operation == "number" and self.value == value

    @property
    def symbols(self) -> frozenset[str]:
        """Names of the symbols that it is made of."""
        return frozenset(e.name for e in nodes([self]) if e.operation == "symbol")


_KNOWN: WeakValueDictionary[tuple[Any, ...], Expression] = WeakValueDictionary()


def _unique(
    operation: Operation, args: tuple[Expression, ...], name: str, value: Fraction
) -> Expression:
    key = (operation, args, name, value)
    return _KNOWN.setdefault(key, Expression(operation, args, name, value))


def symbol(name: str) -> Expression:
    """An unknown number."""
    return _unique("symbol", (), name, Fraction(0))


def number(value: int | float | Fraction) -> Expression:
    """A known number, exactly."""
    return _unique("number", (), "", Fraction(value))


def made(operation: Operation, *args: Expression) -> Expression:
    """An operation as it is, with nothing simplified; fma(a, b, c) is a b + c."""
    return _unique(operation, args, "", Fraction(0))


def lifted(other: object) -> Expression:
    """An expression, or a Python number as one.

    Raises: TypeError for anything else.
    """
    if isinstance(other, Expression):
        return other
    if isinstance(other, (int, float, Fraction)):
        return number(other)
    raise TypeError(f"a rule as data is made of numbers, got {type(other).__name__}")


def nodes(roots: Iterable[Expression]) -> list[Expression]:
    """Every expression that these are made of, once, operands before operations."""
    found: dict[Expression, None] = {}

    def visit(e: Expression) -> None:
        if e not in found:
            for arg in e.args:
                visit(arg)
            found[e] = None

    for root in roots:
        visit(root)
    return list(found)


def replaced(root: Expression, table: Mapping[Expression, Expression]) -> Expression:
    """The expression with others in place of some of its parts, the largest first."""
    done: dict[Expression, Expression] = {}

    def visit(e: Expression) -> Expression:
        if e in table:
            return table[e]
        if e not in done:
            args = tuple(map(visit, e.args))
            done[e] = e if args == e.args else made(e.operation, *args)
        return done[e]

    return visit(root)


def fused(a: N, b: N, c: N) -> N:
    """a b + c for numbers without a fused operation of their own."""
    return cast(N, a * b + c)


def evaluate(
    roots: Sequence[Expression],
    values: Mapping[str, N],
    number: Callable[[Fraction], Any] = lambda x: x,
    fma: Callable[[N, N, N], N] = fused,
) -> list[N]:
    """What the expressions are over numbers of any type, each node once and in its own order.

    number: makes one of the type from a rational.
    """
    order, ends = _order(tuple(roots))
    known: list[N] = []
    for e, places in order:
        args = [known[i] for i in places]
        if e.operation == "symbol":
            known.append(values[e.name])
        elif e.operation == "number":
            known.append(number(e.value))
        else:
            known.append((fma if e.operation == "fma" else _OPERATIONS[e.operation])(*args))
    return [known[i] for i in ends]


@lru_cache(maxsize=512)
def _order(
    roots: tuple[Expression, ...],
) -> tuple[list[tuple[Expression, list[int]]], list[int]]:
    """Every node with the places of its operands, and the places of the roots."""
    found = nodes(roots)
    place = {e: i for i, e in enumerate(found)}
    return [(e, [place[arg] for arg in e.args]) for e in found], [place[root] for root in roots]


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "negative": operator.neg,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def shared(roots: Sequence[Expression]) -> list[Expression]:
    """Operations whose result is used more than once, operands first."""
    uses: dict[Expression, int] = {}
    every = nodes(roots)
    for part in [*roots, *(arg for e in every for arg in e.args)]:
        uses[part] = uses.get(part, 0) + 1
    return [e for e in every if e.args and uses[e] > 1]
