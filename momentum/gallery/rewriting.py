"""A rule in other algebra, and a rule with a mistake: one small change of an expression at a time.

Every rewriting is an identity of rational numbers. Left out, as they make a sum cancel that was
not one before, so that no bound in the rule's own terms holds for them:

    (1 - momentum) d = d - momentum d    a sum of hyper-parameters is one factor: near 1 the two
                                         products are large and their difference is small
    a = (a + b) - b                      nothing is added to be taken away again
    a / w = a (1 / w)                    the reciprocal of a hyper-parameter is rounded once more

The decay factor 1 - lr weight_decay is the exception: it is near 1, not near 0.
"""

import random
from collections.abc import Iterator
from fractions import Fraction

from momentum.arithmetic.expression import Expression, Operation, made, number, replaced, symbol
from momentum.conventions.hyper import NUMBERS

Path = tuple[int, ...]
_OPERATIONS: tuple[Operation, ...] = ("+", "-", "*")
SCALARS = frozenset({*NUMBERS, "weight"})
LARGEST = 80
"""Nodes of an expression that is not rewritten further: a guard, chosen freely."""


def is_scalar(e: Expression) -> bool:
    """Made of hyper-parameters alone."""
    return e.symbols <= SCALARS


def paths(root: Expression) -> list[Path]:
    """Every place in an expression, each occurrence of a part by itself; at most LARGEST."""
    found: list[Path] = []
    waiting: list[tuple[Path, Expression]] = [((), root)]
    while waiting and len(found) < LARGEST:
        path, e = waiting.pop(0)
        found.append(path)
        waiting += [((*path, i), arg) for i, arg in enumerate(e.args)]
    return found


def at(root: Expression, path: Path) -> Expression:
    """The part at a place."""
    for i in path:
        root = root.args[i]
    return root


def put(root: Expression, path: Path, part: Expression) -> Expression:
    """The expression with another part at a place."""
    if not path:
        return part
    args = list(root.args)
    args[path[0]] = put(args[path[0]], path[1:], part)
    return made(root.operation, *args)


A, B, C = map(symbol, "abc")
IDENTITIES: tuple[tuple[str, Expression, Expression], ...] = (
    ("commuted", A + B, B + A),
    ("reassociated", (A + B) + C, A + (B + C)),
    ("reassociated", (A - B) + C, (A + C) - B),
    ("reassociated", A + (B + C), (A + B) + C),
    ("reassociated", A + (B - C), (A + B) - C),
    ("sign moved", A + -B, A - B),
    ("sign moved", -A + B, B - A),
    ("fused", A * B + C, made("fma", A, B, C)),
    ("sign moved", A - B, A + -B),
    ("reassociated", A - (B + C), (A - B) - C),
    ("reassociated", A - (B - C), (A - B) + C),
    ("reassociated", (A - B) - C, A - (B + C)),
    ("reassociated", (A - B) - C, (A - C) - B),
    ("reassociated", (A + B) - C, A + (B - C)),
    ("reassociated", (A + B) - C, (A - C) + B),
    ("fused", A - B * C, made("fma", -B, C, A)),
    ("fused", A * B - C, made("fma", A, B, -C)),
    ("commuted", A * B, B * A),
    ("reassociated", (A * B) * C, A * (B * C)),
    ("reassociated", A * (B * C), (A * B) * C),
    ("reassociated", A * (B / C), (A * B) / C),
    ("reassociated", A * (B / C), (A / C) * B),
    ("sign moved", -A * B, -(A * B)),
    ("sign moved", A * -B, -(A * B)),
    ("sign moved", -(A * B), -A * B),
    ("sign moved", -(A * B), A * -B),
    ("sign moved", -(A - B), B - A),
    ("sign moved", -(A + B), -A - B),
    ("sign moved", made("negative", -A), A),
    ("reassociated", (A * B) / C, A * (B / C)),
    ("reassociated", (A * B) / C, (A / C) * B),
)
"""Steps of algebra, from left to right, by their names."""


def equals(e: Expression) -> list[tuple[str, Expression]]:
    """Expressions that are equal to this one, one step of algebra away, each with its name."""
    found = [
        (words, replaced(right, parts))
        for words, left, right in IDENTITIES
        if (parts := _parts(left, e)) is not None
    ]
    if e.operation in _OPERATIONS:
        a, b = e.args
        found += _distributed(a, b) if e.operation == "*" else _common(a, b, e.operation)
    return found


def _parts(pattern: Expression, e: Expression) -> dict[Expression, Expression] | None:
    """What stands for each symbol of a pattern in an expression of that form; None in others."""
    if pattern.operation == "symbol":
        return {pattern: e}
    if pattern.operation != e.operation:
        return None
    found: dict[Expression, Expression] = {}
    for own, arg in zip(pattern.args, e.args):
        parts = _parts(own, arg)
        if parts is None:
            return None
        found |= parts
    return found


def _distributed(a: Expression, b: Expression) -> Iterator[tuple[str, Expression]]:
    for one, other in ((a, b), (b, a)):
        if other.operation in ("+", "-") and (not is_scalar(other) or _is_kept(other)):
            parts = [made("*", one, part) for part in other.args]
            yield "distributed", made(other.operation, *parts)


def _is_kept(e: Expression) -> bool:
    """1 - lr weight_decay."""
    return e.operation == "-" and e.args[0].is_(1) and e.args[1].symbols == {"lr", "weight_decay"}


def _negatives(a: Expression) -> Iterator[tuple[str, Expression]]:
    if a.operation == "*":
        yield "sign moved", made("*", made("negative", a.args[0]), a.args[1])
        yield "sign moved", made("*", a.args[0], made("negative", a.args[1]))
    if a.operation == "-":
        yield "sign moved", made("-", a.args[1], a.args[0])
    if a.operation == "+":
        yield "sign moved", made("-", made("negative", a.args[0]), a.args[1])
    if a.operation == "negative":
        yield "sign moved", a.args[0]


def _quotients(a: Expression, b: Expression) -> Iterator[tuple[str, Expression]]:
    if a.operation == "*":
        yield "reassociated", made("*", a.args[0], made("/", a.args[1], b))
        yield "reassociated", made("*", made("/", a.args[0], b), a.args[1])


def _common(a: Expression, b: Expression, sign: Operation) -> Iterator[tuple[str, Expression]]:
    """A factor that both terms have, taken out; an array by itself counts as one times itself."""
    for x, rest in _factors(a):
        for y, other in _factors(b):
            if x is y and not (rest.is_(1) and other.is_(1)):
                yield "factored", made("*", x, made(sign, rest, other))


def _factors(e: Expression) -> list[tuple[Expression, Expression]]:
    if e.operation == "*":
        return [(e.args[0], e.args[1]), (e.args[1], e.args[0])]
    return [] if is_scalar(e) else [(e, number(1))]


def mistakes(
    e: Expression, rng: random.Random, known: frozenset[str]
) -> list[tuple[str, Expression]]:
    """Expressions that differ from this one by a small mistake, each with its name.

    known: names that may stand in for another.
    """
    found: list[tuple[str, Expression]] = []
    if e.operation == "symbol":
        alike = [n for n in sorted(known) if (n in SCALARS) == (e.name in SCALARS)]
        name = rng.choice([n for n in alike if n != e.name])
        found.append((f"{name} for {e.name}", symbol(name)))
    if e.operation == "number":
        value = e.value + rng.choice([Fraction(1), Fraction(-1), Fraction(1, 2)])
        found.append((f"{value} for {e.value}", number(value)))
    if e.operation in ("+", "-", "*"):
        a, b = e.args
        operation = rng.choice([o for o in _OPERATIONS if o != e.operation])
        found.append((f"{operation} for {e.operation}", made(operation, a, b)))
        kept = rng.choice([a, b])
        found.append(("a factor dropped" if e.operation == "*" else "a term dropped", kept))
        if e.operation == "*":
            found.append(("a factor twice", made("*", e, rng.choice([a, b]))))
        else:
            found.append(("a term twice", made(e.operation, e, b)))
    if e.operation == "-":
        found.append(("operands swapped", made("-", e.args[1], e.args[0])))
    if e.args:
        by = rng.choice([Fraction(2), Fraction(1, 2), Fraction(-1), Fraction(1025, 1024)])
        found.append((f"times {by}", made("*", number(by), e)))
    return found
