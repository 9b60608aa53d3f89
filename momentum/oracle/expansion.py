"""A rule's step, multiplied out: what every algebraic form of it makes of the old numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from momentum.arithmetic.exact import Given
from momentum.arithmetic.expanded import (
    Compound,
    Expanded,
    NotLinear,
    Term,
    cancelled,
    lift,
    making,
)
from momentum.conventions import Convention, Hyper

Sum = tuple[Term, ...]

Kind = int | str
"""What is asked of a number beforehand: 0, 1 and flags as they are, else "number" or "array"."""


@dataclass(frozen=True, eq=False)
class Output:
    """One number that a step leaves: the parameter, or a field of the state.

    forms: the terms of each form, as they stand, the rule's own first; of the parameter the rule's
    only. through: those of the parameter in each form, from what the form leaves in the state,
    the arrays "new v".
    """

    forms: tuple[Sum, ...]
    through: tuple[Sum, ...] = ()

    @cached_property
    def ways(self) -> tuple["Way", ...]:
        """The sums of terms that an implementation may compute.

        The rule's own terms in any order, as they stand and with like ones taken together; those
        of the other forms as they are written.
        """
        rule, *others = self.forms
        known: dict[Term, Term] = {}  # a term that several sums share is one object, measured once
        free = dict.fromkeys((rule, cancelled(rule)), True)
        ways = (*free.items(), *((terms, False) for terms in (*others, *self.through)))
        return tuple(Way.of([known.setdefault(t, t) for t in sum], free) for sum, free in ways)

    @cached_property
    def names(self) -> frozenset[str]:
        """The named numbers that it is made of."""
        return frozenset(
            n for form in (*self.forms, *self.through) for t in form for n in _names(t)
        )

    @cached_property
    def is_array(self) -> bool:
        """A function of arrays, and not a pure number; zero is neither."""
        return any(t.atom for form in self.forms for t in form)


class Way(NamedTuple):
    """A sum that an implementation may compute; free: in any order, and not as it is written.

    terms: each with the sums on its way that it does not say itself. sums: all of them.
    """

    terms: tuple[tuple[Term, int], ...]
    free: bool
    sums: int

    @classmethod
    def of(cls, terms: Sequence[Term], free: bool) -> "Way":
        """The way of these terms."""
        sums = max(len(terms) - 1, 0)
        atoms = [t.atom for t in terms]
        # (1 - c) a has a product on the way of the lone a.
        merged = [not t.factors and atoms.count(t.atom) > 1 for t in terms]
        roundings = [sums + m if free else t.sums for t, m in zip(terms, merged)]
        return cls(tuple(zip(terms, roundings)), free, sums)


def _names(term: Term) -> Iterator[str]:
    for f in term.factors:
        if isinstance(f, str):
            yield f
        elif isinstance(f, Compound):
            for t in f.terms:
                yield from _names(t)


class Text:
    """A convention's texts as a key: those of one convention are found again."""

    def __init__(self, convention: Convention) -> None:
        c = self.convention = convention
        self.key = c.rule, c.forms, c.decay, c.keeps_iterates, type(c.initial)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.key == other.key


def expansion(convention: Convention, h: Hyper, state: Sequence[Kind]) -> tuple[Output, ...]:
    """The step with these hyper-parameters, from a state of "array"s and numbers.

    Raises: NotLinear where the rule is no linear function of parameter, gradient and state.
    """
    pattern = tuple(_kind(x) for x in h), tuple(_kind(x) for x in state)
    return _expansion(Text(convention), *pattern, _Sample(h))


class _Sample(NamedTuple):
    """Hyper-parameters that stand for all others of their kind: equal to any."""

    h: Hyper

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Sample)


def _kind(number: Kind | Given) -> Kind:
    """0, 1 and flags are what they are; every other number is one."""
    if isinstance(number, (bool, str)):
        return number
    return int(number) if number in (0, 1) else "number"


@lru_cache(maxsize=4096)
def _expansion(
    text: Text, h: tuple[Kind, ...], state: tuple[Kind, ...], sample: _Sample
) -> tuple[Output, ...]:
    convention = text.convention
    names = type(convention.initial)._fields
    told = Hyper(*(_named(kind, name) for kind, name in zip(h, Hyper._fields)))
    held = type(convention.initial)(*(_named(kind, f"state {n}") for kind, n in zip(state, names)))
    theta, grad = Expanded.array("theta"), Expanded.array("grad")
    ends, through = [], []
    for form in convention.all_forms(sample.h):
        with making() as made:
            moved, kept = form(theta, grad, held, told)
        ends.append([lift(x).terms for x in (moved, *kept)])
        found = {id(x): i for i, x in enumerate(made)}
        new = {found[id(x)]: (Term(1, (), f"new {n}"),) for n, x in zip(names, kept)
               if id(x) in found and x.is_array}  # fmt: skip
        with making(new):
            moved, _ = form(theta, grad, held, told)
        through.append(lift(moved).terms)
    columns = [tuple(dict.fromkeys(column)) for column in zip(*ends)]
    if not all(t.atom for t in columns[0][0]):
        raise NotLinear("the parameter becomes a pure number")
    return (
        Output(columns[0][:1], tuple(dict.fromkeys(through))),
        *(Output(column) for column in columns[1:]),
    )


def _named(kind: Kind, name: str) -> Any:
    if kind == "number":
        return Expanded.number(name)
    return Expanded.array(name) if kind == "array" else kind
