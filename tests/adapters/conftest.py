"""What the tests of all adapters drive a subject with."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import pytest

from momentum.conventions import Hyper, get
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Facts

KINDS = ("normal", "from_zero", "dyadic", "wide", "tiny", "quadratic")
SHAPES = ((), (0,), (1,), (7,), (3, 5), (33,))
VALUES = {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.05}
CHANGES = {"lr": 0.03, "momentum": 0.7, "dampening": 0.6, "weight_decay": 0.2}


def scheduled(facts: Facts, dtype: str, kinds: Sequence[str] = KINDS) -> Iterator[Problem]:
    """Runs of six steps with all that a subject takes, changed after the third if it can be."""
    off = Hyper(0.0)
    shapes = tuple(
        s for s in SHAPES if (s or facts.scalars) and (0 not in s or facts.empty) and len(s) <= 2
    )
    for kind, nesterov in product(kinds, (False, True)):
        if nesterov and "nesterov" not in facts.hyper:
            continue
        on = {"lr": 0.1} | {n: x for n, x in VALUES.items() if n in facts.hyper}
        if nesterov:
            on |= {"nesterov": True, "dampening": 0.0}
        first = off._replace(**(on | dict(facts.fixed)))
        changed = {
            n: x
            for n, x in CHANGES.items()
            if n in facts.settable and n not in facts.fixed and (n == "lr" or getattr(first, n))
        }
        rows = tuple((h,) for h in (first,) * 3 + (first._replace(**changed),) * 3)
        absent = frozenset({(1, 0), (2, 1), (3, 1)} if facts.none_gradients else ())
        yield Problem(dtype, shapes, rows, (0,) * len(shapes), kind, seed=3, missing=absent)


@pytest.fixture
def worst_ratio() -> Callable[..., float]:
    """The largest error of a subject under a convention, in units of its bound."""

    def worst(subject: Any, convention: str, dtype: str, kinds: Sequence[str] = KINDS) -> float:
        return max(
            measured.ratio
            for problem in scheduled(subject.facts, dtype, kinds)
            for measured in judge(subject, observe(subject, problem), get(convention))
        )

    return worst


@pytest.fixture
def goes_on() -> Callable[[Any, str, str], bool]:
    """Whether a run that is saved and loaded, or copied, goes on bit for bit as it would have."""

    def same(subject: Any, how: str, dtype: str) -> bool:
        problem = next(p for p in scheduled(subject.facts, dtype) if p.kind == "normal")

        def start() -> Any:
            return subject.start(problem.start, list(problem.hypers[0]), dtype)

        def steps(run: Any, first: int, last: int) -> None:
            for t in range(first, last):
                if t == 3:
                    run.set(problem.hypers[t][0])
                run.step(problem.gradients(t, problem.start))

        whole, half = start(), start()
        steps(whole, 0, 6)
        steps(half, 0, 4)
        if how == "resume":
            other = start()
            other.load(half.save())
        else:
            other = half.duplicate(how)
        steps(other, 4, 6)
        got = [x.tobytes() for x in other.parameters()]
        return got == [x.tobytes() for x in whole.parameters()]

    return same
