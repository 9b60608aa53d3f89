"""What the vectors are worth: which wrong optimizers, drawn at random, each file catches.

    python tests/fuzz/worth.py --wrong 1000 --seed 0

A case catches one by the numbers of its file alone: |got - expected| > bound somewhere.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, get
from momentum.gallery.generated import Generated, wrong
from momentum.languages.families import FAMILIES
from momentum.languages.numbers import numbers
from momentum.languages.vectors import Case, cases
from momentum.subjects.protocol import Array


class Killed(NamedTuple):
    """A wrong optimizer, and the families of vectors that catch it."""

    seed: int
    name: str
    families: frozenset[str]


class Read(NamedTuple):
    """A case as a program reads it."""

    case: Case
    start: Array
    gradients: tuple[Array | None, ...]
    expected: tuple[Array, ...]
    bound: tuple[Array, ...]


@cache
def read(convention: str) -> Mapping[str, tuple[Read, ...]]:
    """The cases of a convention by family."""
    found: dict[str, list[Read]] = {}
    for made in cases(get(convention)):
        one = made.case
        found.setdefault(made.family.name, []).append(
            Read(
                one, np.array(numbers(one.start)),
                tuple(None if g is None else np.array(numbers(g)) for g in one.gradients),
                tuple(np.array(numbers(x)) for x in one.expected),
                tuple(np.array(numbers(x)) for x in one.bound),
            )
        )  # fmt: skip
    return {name: tuple(group) for name, group in found.items()}


def killed(seed: int) -> Killed:
    """The wrong optimizer of a seed under all vectors of its convention."""
    subject = wrong(seed)
    by_family = read(subject.convention.full_name)
    return Killed(
        seed, subject.name,
        frozenset(n for n, group in by_family.items() if any(catches(c, subject) for c in group)),
    )  # fmt: skip


def catches(read: Read, subject: Generated) -> bool:
    """Whether it leaves the bound of a case, or cannot take its steps."""
    case = read.case
    rows = [Hyper(**h) for h in case.hyper]
    if case.dtype not in subject.dtypes or not any(_differs(h, subject) for h in rows):
        return False
    format = format_of(case.dtype)
    run = subject.build().start([format.round(read.start)], [rows[0]], case.dtype)
    for t, grad in enumerate(read.gradients):
        if t and rows[t] != rows[t - 1]:
            run.set(rows[t])
        run.step([grad])
        (got,) = run.parameters()
        if not np.all(np.abs(got - read.expected[t]) <= read.bound[t]):
            return True
    return False


def _differs(h: Hyper, subject: Generated) -> bool:
    """A generated one is wrong for one setting of the flags, and right for the others."""
    flags = (h.nesterov, h.maximize)
    return flags == (subject.nesterov, subject.maximize)


def table(found: Iterable[Killed]) -> Iterator[str]:
    """By family: how many it catches, and how many no other does; then those that none catches."""
    every = list(found)
    caught = [one for one in every if one.families]
    many = Counter(name for one in caught for name in one.families)
    alone = Counter(name for one in caught if len(one.families) == 1 for name in one.families)
    yield f"{'family':14} {'catches':>8} {'alone':>6}"
    for family in FAMILIES:
        yield f"{family.name:14} {many[family.name]:8} {alone[family.name]:6}"
    yield f"together {len(caught)} of {len(every)}, {len(caught) / max(1, len(every)):.2%}"
    yield from (f"missed {one.seed}: {one.name}" for one in every if not one.families)


def main(arguments: list[str] | None = None) -> int:
    """0 where at least 99 % are caught."""
    parser = argparse.ArgumentParser(prog="worth.py")
    parser.add_argument("--wrong", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    found = [killed(asked.seed + i) for i in range(asked.wrong)]
    print("\n".join(table(found)))
    return int(sum(bool(one.families) for one in found) < 0.99 * len(found))


if __name__ == "__main__":
    sys.exit(main())
