"""A rule's own text as operations of torch on tensors, or on whole lists of them, in place.

What one operation of torch does is one line: a b + c with a number b is an addition with alpha.
Numbers are worked out in Python, or as tensors where a rate is one.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from momentum.arithmetic.expression import Expression, nodes, shared, symbol
from momentum.arithmetic.notation import PLAIN, updates
from momentum.conventions import Convention, Hyper, expressed, symbols_of
from momentum.conventions.hyper import FLAGS

Pattern = tuple[Any, ...]
"""Flags as they are, numbers as 0, 1 or a name."""


def pattern(h: Hyper) -> Pattern:
    """What the text of a step depends on, in the order of the hyper-parameters."""
    return tuple(
        x if n in FLAGS else int(x) if isinstance(x, (int, float)) and x in (0, 1) else n
        for n, x in zip(h._fields, h)
    )


Run = Callable[[Any, Any, Mapping[str, object], Hyper], dict[str, Any]]


class Program(NamedTuple):
    """run(theta, grad, state, h) steps parameters in place and returns what changes of the state.

    arrays: parts of the state that are tensors; the others are numbers. text: what is run.
    """

    run: Run
    arrays: frozenset[str]
    text: str


class _Operand(NamedTuple):
    text: str
    is_array: bool
    own: bool = False  # nobody else holds it, so it may be written to


def program(
    convention: Convention,
    told: Pattern,
    rates: frozenset[str],
    first: bool,
    lists: bool,
    own: bool,
) -> Program:
    """One step's program. lists: of tensors. own: velocities may be written to.

    rates: hyper-parameters that are tensors, with which nothing can be added in one operation.
    Raises: TypeError, ValueError where the rule cannot be read as + - * and / of its numbers.
    """
    h: Any = Hyper(*told).lifted(lambda x: symbol(x) if isinstance(x, str) else x)
    arrays, every = {"theta", "grad"}, symbols_of(convention)
    for _ in range(2):
        later = expressed(convention, h=every).state
        arrays |= {n for n, e in later.items() if e.symbols & arrays}
    step = expressed(convention, first=first, h=h)
    writer = _Writer(arrays, rates, "torch._foreach_" if lists else "torch.", own)
    statements = updates(step.outputs)
    earlier = {name for name, _ in statements[:-1]}
    parts = shared([value for _, value in statements])
    writer.common = {e for e in parts if not e.symbols & earlier}
    for name, value in statements:
        writer.assign(name, value)
    given = ", ".join(f"{n!r}: {n}" for n in step.state if n in writer.given)
    lines = [*writer.lines, f"return {{{given}}}"]
    loads = [f"{n} = h.{n}" for n in told if isinstance(n, str)]
    loads += [f"{n} = state[{n!r}]" for n in step.state]
    text = "\n    ".join(["def run(theta, grad, state, h):", *loads, *lines])
    space: dict[str, Any] = {"torch": torch}
    exec(text, space)  # made of an expression: names of numbers and operations alone
    return Program(space["run"], frozenset(arrays & set(step.state)), text)


class _Writer:
    """Statements, one after another."""

    def __init__(self, arrays: set[str], rates: frozenset[str], torch: str, own: bool) -> None:
        self.arrays, self.rates, self.torch = set(arrays), rates, torch
        self.lists = torch.endswith("_foreach_")
        self.held = {"theta", *(arrays if own else ())} - {"grad"}  # tensors to be written to
        self.lines: list[str] = []
        self.given: set[str] = set()
        self.known: dict[Expression, _Operand] = {}
        self.common: set[Expression] = set()  # parts that several statements share
        self.count = 0

    def assign(self, name: str, value: Expression) -> None:
        """A new value for the parameter or a part of the state."""
        read = [arg for e in nodes([value]) for arg in e.args].count(symbol(name))
        self.name, self.target = name, name if name in self.held and read == 1 else ""
        self.twice = self.common | set(shared([value]))
        self.whole = value if name in self.held else None
        found = self.write(value)
        if name in self.arrays and not found.is_array:  # a rate of 0 leaves a number
            self.fill(name, found.text)
        elif found.text != name:
            if name in self.held and not (self.lists and found.own and name != "theta"):
                self.call("copy_", name, found.text)
            else:
                text = found.text if found.own or not found.is_array else self.cloned(found.text)
                self.lines.append(f"{name} = {text}")
        if found.is_array:
            self.arrays.add(name)  # also a new name beside the old one
        self.given.add(name)
        self.known = {e: o for e, o in self.known.items() if name not in e.symbols}

    def fill(self, name: str, number: str) -> None:
        """One number in all elements."""
        x = f"{name} = {{}}" if name not in self.held else "{}"
        one = "{}.fill_({})" if name in self.held else "torch.full_like({}, {})"
        if self.lists:
            whose = name if name in self.held else "theta"
            self.lines.append(x.format(f"[{one.format('x', number)} for x in {whose}]"))
        else:
            self.lines.append(x.format(one.format(name if name in self.held else "theta", number)))

    def cloned(self, text: str) -> str:
        """New tensors of the same numbers."""
        return f"[x.clone() for x in {text}]" if self.lists else f"{text}.clone()"

    def call(self, operation: str, *arguments: str) -> None:
        """An operation in place."""
        one, *rest = arguments
        if self.lists:
            self.lines.append(f"{self.torch}{operation}({', '.join(arguments)})")
        else:
            self.lines.append(f"{one}.{operation}({', '.join(rest)})")

    def made(self, operation: str, first: _Operand, *rest: str) -> _Operand:
        """An operation on tensors, in place where nobody is hurt."""
        if first.own:
            self.call(f"{operation}_", first.text, *rest)
            return first
        self.count += 1
        name = f"t{self.count}"
        self.lines.append(f"{name} = {self.torch}{operation}({', '.join((first.text, *rest))})")
        return _Operand(name, True, True)

    def write(self, e: Expression) -> _Operand:
        """Lines that compute an expression, and where it is then."""
        if e in self.known:
            return self.known[e]
        if not e.symbols & self.arrays:
            return _Operand(PLAIN.text(e), False)
        if e.operation == "symbol":
            return _Operand(e.name, True, e.name == self.target)
        found = self.operation(e)
        if e in self.twice:
            found = found._replace(own=False)
            self.known[e] = found
        return found

    def operation(self, e: Expression) -> _Operand:
        """A sum, a product, a quotient or a negative that has an array in it."""
        if e.operation == "negative":
            return self.made("neg", self.write(e.args[0]))
        a, b = e.args
        if e.operation == "*":
            array, number = (a, b) if a.symbols & self.arrays else (b, a)
            if number.symbols & self.arrays:
                raise TypeError("an array is multiplied by an array")
            return self.made("mul", self.write(array), self.write(number).text)
        if e.operation == "/":
            if b.symbols & self.arrays:
                raise TypeError("a division by an array")
            return self.made("div", self.write(a), self.write(b).text)
        return self.sum(e, a, b)

    def sum(self, e: Expression, a: Expression, b: Expression) -> _Operand:
        """a + b or a - b, with a number before b taken into the addition."""
        sign = "-" if e.operation == "-" else ""
        if not a.symbols & self.arrays or not b.symbols & self.arrays:
            raise TypeError("a number is added to an array")
        if not sign and not self.scaled(b) and self.scaled(a):
            a, b = b, a
        base, scaled = self.write(a), self.scaled(b)
        array, number = (b, None) if not scaled else b.args
        if number is not None and number.symbols & self.arrays:
            array, number = number, array
        added = self.write(array).text
        factor = f"({self.write(number).text})" if number is not None else "1"
        alpha = [f"alpha={sign}{factor}"] if sign or scaled else []
        if e is self.whole and self.name in self.held and not self.lists:
            # All else has been read when the last of the sums is made.
            rest = ", ".join((base.text, added, *alpha, f"out={self.name}"))
            self.lines.append(f"torch.add({rest})")
            return _Operand(self.name, True)
        base = base._replace(own=base.own or (e is self.whole and base.text == self.name))
        return self.made("add", base, added, *alpha)

    def scaled(self, e: Expression) -> bool:
        """A product that an addition can take in: with a number, and used once."""
        if e.operation != "*" or e in self.known or e in self.twice:
            return False
        return all(x.symbols & self.arrays or not x.symbols & self.rates for x in e.args)
