"""Options that have an effect on one side of a number only, which is measured."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from momentum.conventions import Hyper
from momentum.diagnosis.departure import Departure, scheduled
from momentum.diagnosis.hypothesis import Hypothesis, Suspect
from momentum.diagnosis.kept import Kept
from momentum.diagnosis.short import Limit, limit
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
        wrong = float(getattr(row[0], name))
        fails = partial(_fails, kept, observation.problem, name)
        if not wrong or not fails(wrong):
            continue
        right = next((x for x in values if not fails(x)), None)
        if right is None:
            continue
        found, _ = limit(name, fails, right, wrong, near=2.0**-24)
        for words, changes in OFF.items():
            there = scheduled(partial(_changed, found, changes))
            yield Departure(f"{words} {found.words}", there).suspected(kept.own)


def _fails(kept: Kept, problem: Problem, name: str, value: float) -> bool:
    """A run from 0 is wrong, in which all that moves is seen, whatever the rate is."""
    rows = tuple((row[0].having(**{name: value}),) for row in problem.hypers[:1] * 4)
    steady = replace(problem, hypers=rows, kind="from_zero", missing=frozenset())
    return kept.fails_on(steady)


def _changed(there: Limit, changes: dict[str, object], hypers: Sequence[Hyper]) -> list[Hyper]:
    return [h.having(**changes) if there.beyond(h) else h for h in hypers]
