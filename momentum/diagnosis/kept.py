"""Whether a subject keeps to its convention: in which runs, from which step on, and where."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from momentum.arithmetic import FORMATS
from momentum.checks._repeated import run_of
from momentum.checks.result import Result
from momentum.conventions import Convention
from momentum.diagnosis.hypothesis import CLEAR, Hypothesis, Mask
from momentum.diagnosis.trials import Trials, cut
from momentum.diagnosis.walked import Walked
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Subject

NEAR = 64
"""Bounds of the convention that a hypothesis may be away, in a replay without bounds of its own,
and still be judged: bounds of related rules in one run differ by less."""

REPLAYED = 2
"""Bounds of float64 that two replays of one trajectory may be apart."""


class Kept:
    """One subject and its convention.

    judged: runs that were looked at already, by identity. held: ids of failed results whose
    problems are none in a run of their own.
    """

    def __init__(self, subject: Subject, convention: Convention) -> None:
        self.subject, self.own = subject, Hypothesis.of(convention)
        self.judged: dict[int, tuple[Observation, list[Mask]]] = {}
        self.held: set[str] = set()
        self.trials = Trials(subject, convention, self.fails_on)

    def right(self, observation: Observation) -> list[Mask]:
        """Elements that keep to the convention."""
        known = self.judged.get(id(observation))
        if known is None:
            known = observation, self.own.agreement(self.subject, observation)
            self.judged[id(observation)] = known
        return known[1]

    def fails(self, observation: Observation) -> int | None:
        """The first step at which the convention does not hold, from 1."""

        def wrong(steps: int) -> bool:
            part = observation if steps == observation.problem.steps else cut(observation, steps)
            return not all(ok.all() for ok in self.right(part))

        steps = observation.problem.steps
        return bisect_left(range(steps), True, 1, steps, key=wrong) if wrong(steps) else None

    def fails_on(self, problem: Problem) -> bool:
        """The convention does not hold in a run of this problem."""
        observation = self.trials.observed(problem)
        return observation is not None and self.fails(observation) is not None

    def failing(self, results: Iterable[Result]) -> dict[str, Observation]:
        """By id, runs that are failures by themselves: of the problem, or of its large copy."""
        found: dict[str, Observation] = {}
        for r in results:
            problems = [p for p in (Problem.from_text(r.problem), run_of(r)) if p is not None]
            runs = [o for p in problems if (o := self.trials.observed(p)) is not None]
            wrong = next((o for o in runs if self.fails(o) is not None), None)
            if wrong is not None:
                found[r.id] = wrong
            elif r.how and len(runs) == len(problems):
                self.held.add(r.id)
        return found

    def moved(self, told: Hypothesis, observation: Observation) -> list[Mask]:
        """Elements that go elsewhere by a hypothesis than by its convention, flat.

        None where all of them do by no more than float64, in which both are replayed, rounds: two
        formulas may be one on paper.
        """
        moved = told.moved(observation)
        if isinstance(told, Walked):  # the same formula, with other numbers
            return moved
        rows = tuple(map(tuple, told.replayed(observation)))
        there = Observation(observation.problem, observation.fed, rows)
        apart = Hypothesis.of(told.base).ratios(self.subject, there, "float64")
        parted = any(np.any(r > REPLAYED) for r in apart)
        return moved if parted else [np.zeros_like(m) for m in moved]

    def clear(self, runs: Iterable[Observation]) -> bool:
        """Some run is too far off for an error of little more than its rounding."""
        return any(np.any(r > CLEAR) for o in runs for r in self.own.ratios(self.subject, o))

    def reach(self, observation: Observation) -> list[Array]:
        """How near is near: from the convention's own errors in bounds."""
        gaps = self.own.gaps(observation)
        ratios = self.own.ratios(self.subject, observation)
        found = []
        for g, r in zip(gaps, ratios):
            with np.errstate(all="ignore"):
                bound = np.where(np.isfinite(r) & (r > 0), g / r, 0.0)
            largest = float(np.max(bound, initial=0.0)) or float(np.max(g, initial=0.0)) * 2.0**-8
            found.append(np.maximum(bound, largest) * NEAR)
        return found

    def error(self, problem: Problem) -> float:
        """The largest error as a fraction of the convention's bound."""
        observation = self.trials.observed(problem)
        if observation is None:
            return 0.0
        ratios = self.own.ratios(self.subject, observation)
        return max((float(np.max(r, initial=0.0)) for r in ratios), default=0.0)

    def when(self, observation: Observation) -> str:
        """From which step on, after which change, and in which dtypes only, in words."""
        problem = observation.problem
        words = f"from step {self.fails(observation) or 1} on"
        if changes := self.changes(observation):
            words += f", when {' and '.join(changes)}"
        digits = {d: FORMATS[d].precision for d in self.subject.facts.dtypes}
        right = [d for d in digits if d != problem.dtype and self._right_in(problem, d)]
        # In a coarser format the same error may hide in the rounding: that says nothing.
        if any(digits[d] > digits[problem.dtype] for d in right):
            words = f"only in {' and '.join(d for d in digits if d not in right)}, {words}"
        return words

    def changes(self, observation: Observation) -> list[str]:
        """The changes of hyper-parameters without which it does not fail, in words."""
        problem, step = observation.problem, self.fails(observation) or 1
        now, before = problem.hypers[step - 1], problem.hypers[max(step - 2, 0)]
        changes = [
            f"{name} changed from {' to '.join(_told_apart(a, b))}"
            for g, h in enumerate(now)
            for name, a, b in zip(h._fields, before[g], h)
            if a != b
        ]
        steady = [(row,) * max(6, problem.steps) for row in (problem.hypers[0], now)]
        if not changes or any(self.fails_on(replace(problem, hypers=h)) for h in steady):
            return []
        return list(dict.fromkeys(changes))

    def _right_in(self, problem: Problem, dtype: str) -> bool:
        observation = self.trials.observed(replace(problem, dtype=dtype))
        return observation is not None and self.fails(observation) is None


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers, with as many digits as tell them apart."""
    pairs = ((f"{float(a):.{n}g}", f"{float(b):.{n}g}") for n in (6, 9, 17))
    return next((x, y) for x, y in pairs if x != y)
