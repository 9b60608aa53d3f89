"""Expressions in writing: one notation for each language, and the statements of a step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations

from momentum.arithmetic.expression import Expression, nodes, replaced, shared, symbol

Statement = tuple[str, Expression]
"""A name, and what it is assigned."""


def decimal(value: Fraction) -> str:
    """Digits: whole numbers as such, others as the float64 nearest to them."""
    return str(value.numerator) if value.denominator == 1 else repr(float(value))


_OPERATORS: Mapping[str, str] = {"+": " + ", "-": " - ", "*": "*", "/": "/"}


@dataclass(frozen=True)
class Notation:
    """How a language writes; what is written is evaluated in the order of the expression.

    symbol: the spelling of a name. number: of a rational. assignment: of a statement, with places
    for name and value. fma: of the fused a b + c. operators: with the spaces around them.
    Parentheses stand wherever operators of one rank would else be taken from the left, and around
    every negative operand, which some languages ask for.
    """

    symbol: Callable[[str], str] = str
    number: Callable[[Fraction], str] = decimal
    assignment: str = "{} = {}"
    fma: str = "fma({}, {}, {})"
    operators: Mapping[str, str] = field(default_factory=lambda: _OPERATORS)

    def text(self, e: Expression) -> str:
        """An expression."""
        return self._ranked(e)[0]

    def statement(self, statement: Statement) -> str:
        """An assignment."""
        name, value = statement
        return self.assignment.format(self.symbol(name), self.text(value))

    def _ranked(self, e: Expression) -> tuple[str, int]:
        """The text, and how tightly it holds together: 1 sums, 2 products, 3 all else."""
        if e.operation == "symbol":
            return self.symbol(e.name), 3
        if e.operation == "number":
            return self.number(e.value), 3 if e.value >= 0 else 1
        if e.operation == "fma":
            return self.fma.format(*map(self.text, e.args)), 3
        if e.operation == "negative":
            return f"-{self._within(e.args[0], 3)}", 1
        rank = 1 if e.operation in "+-" else 2
        left, right = self._within(e.args[0], rank), self._within(e.args[1], rank + 1)
        return f"{left}{self.operators[e.operation]}{right}", rank

    def _within(self, e: Expression, least: int) -> str:
        text, rank = self._ranked(e)
        return text if rank >= least else f"({text})"


PLAIN = Notation()
"""What people read, and Python."""


def steps(outputs: Mapping[str, Expression], prefix: str = "t") -> list[Statement]:
    """Statements that compute each output once: what is used twice first, under names of its own.

    No name is assigned twice, so outputs must be stored after the last of them.
    """
    table: dict[Expression, Expression] = {}
    found: list[Statement] = []
    for i, part in enumerate(e for e in shared(list(outputs.values())) if _varies(e)):
        name = f"{prefix}{i}"
        found.append((name, replaced(part, table)))
        table[part] = symbol(name)
    return found + [(name, replaced(e, table)) for name, e in outputs.items()]


def _varies(e: Expression) -> bool:
    return bool(e.symbols)


def updates(new: Mapping[str, Expression]) -> list[Statement]:
    """Statements that overwrite each variable with its new value, in an order that loses nothing.

    A new value that another one uses is referred to by its name. Where no order will do, some go
    by way of `name_new`.
    """
    moving = {name: e for name, e in new.items() if e is not symbol(name)}
    found = _shortest(moving)
    if found is not None:
        return found
    for first, value in moving.items():
        rest = _shortest({n: e for n, e in moving.items() if n != first})
        if rest is not None:
            return [(f"{first}_new", value), *rest, (first, symbol(f"{first}_new"))]
    late = [(name, symbol(f"{name}_new")) for name in moving]
    return [*((f"{name}_new", e) for name, e in moving.items()), *late]


def _shortest(new: Mapping[str, Expression]) -> list[Statement] | None:
    """Of the orders that will do the one with the fewest operations, the first of these."""
    every = [_in_order(order, new) for order in permutations(new)]
    able = [found for found in every if found is not None]
    return min(able, key=_length, default=None)


def _length(statements: Sequence[Statement]) -> int:
    return sum(len(nodes([e])) for _, e in statements)


def _in_order(order: Sequence[str], new: Mapping[str, Expression]) -> list[Statement] | None:
    """The statements in this order, None where one would read what is overwritten already."""
    table: dict[Expression, Expression] = {}
    found: list[Statement] = []
    for name in order:
        value = replaced(new[name], table)
        if value.symbols & {n for n, _ in found}:
            return None
        found.append((name, value))
        if new[name].args:
            table[new[name]] = symbol(f"{name}'")
    fresh = {symbol(f"{name}'"): symbol(name) for name in order}
    return [(name, replaced(e, fresh)) for name, e in found]
