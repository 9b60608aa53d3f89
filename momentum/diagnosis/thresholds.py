"""Options that have an effect on one side of a number only, which is measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from momentum.conventions import Hyper
from momentum.diagnosis.departure import Departure, scheduled
from momentum.diagnosis.hypothesis import Hypothesis, Suspect
from momentum.diagnosis.kept import Kept
from momentum.diagnosis.short import short
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem

FACTORS = tuple(2.0**k for k in (-12, -6, -3, 3, 6))
"""Of a rate or a decay, where the other side is looked for."""

WEIGHTS = (0.05, 0.3, 0.6, 0.95, 0.99)
"""The same of a momentum."""

OFF: dict[str, dict[str, object]] = {
    "momentum has no effect": {"momentum": 0.0, "dampening": 0.0, "nesterov": False},
    "nesterov is ignored": {"nesterov": False},
    "Nesterov's form is taken": {"nesterov": True},
    "dampening is ignored": {"dampening": 0.0},
    "weight_decay is ignored": {"weight_decay": 0.0},
    "maximize is ignored": {"maximize": False},
}
"""What may be so on one side."""


def thresholds(kept: Kept, observation: Observation) -> Iterator[Suspect[Hypothesis]]:
    """The number on whose one side steady runs are right, and what the other side may do."""
    row = observation.problem.hypers[0]
    if len(row) > 1:
        return
    for name, values in (
        ("lr", [float(row[0].lr) * f for f in FACTORS]),
        ("momentum", WEIGHTS if row[0].momentum else ()),
        ("weight_decay", [float(row[0].weight_decay) * f for f in FACTORS if row[0].weight_decay]),
    ):
        run = partial(_steady, observation.problem, name)
        wrong = float(getattr(row[0], name))
        if not wrong or not kept.fails_on(run(wrong)):
            continue
        right = next((x for x in values if not kept.fails_on(run(x))), None)
        if right is None:
            continue
        limit, inside = _parted(partial(_fails, kept, run), right, wrong)
        more = wrong > right
        side = f"{'more' if more else 'less'} than {limit:g}" if not inside else (
            f"{limit:g} or {'more' if more else 'less'}")  # fmt: skip
        for words, changes in OFF.items():
            beyond = partial(_changed, name, limit, more, inside, changes)
            there = scheduled(partial(_each, beyond))
            yield Departure(f"{words} where {name} is {side}", there).suspected(kept.own)


def _fails(kept: Kept, run: Callable[[float], Problem], value: float) -> bool:
    return kept.fails_on(run(value))


def _each(change: Callable[[Hyper], Hyper], hypers: Sequence[Hyper]) -> list[Hyper]:
    return [change(h) for h in hypers]


def _changed(
    name: str, limit: float, more: bool, inside: bool, changes: dict[str, object], h: Hyper
) -> Hyper:
    x = float(getattr(h, name))
    there = inside if x == limit else (x > limit) is more
    return h.having(**changes) if there else h


def _steady(problem: Problem, name: str, value: float) -> Problem:
    """A run from 0, in which all that moves is seen, whatever the rate is."""
    rows = tuple((row[0].having(**{name: value}),) for row in problem.hypers[:1] * 4)
    return replace(problem, hypers=rows, kind="from_zero", missing=frozenset())


def _parted(fails: Callable[[float], bool], right: float, wrong: float) -> tuple[float, bool]:
    """A short number between a right and a wrong one, and whether it is wrong itself."""
    good, bad = right, wrong
    while abs(bad - good) > 2.0**-24 * abs(bad):
        middle = (good + bad) / 2
        good, bad = (good, middle) if fails(middle) else (middle, bad)
    limit = short((good + bad) / 2, abs(bad - good))
    return limit, fails(limit)
