"""A trial: a subject, the convention that it is held to, and a problem to try it on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from momentum.conventions import Convention, Hyper
from momentum.oracle.block import Tier
from momentum.oracle.replay import Trajectory, replay_steps
from momentum.subjects import drive
from momentum.subjects.drive import Fed, Observation, plainly
from momentum.subjects.judge import Measured, judge
from momentum.subjects.offers import FullRun
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Gradient, Subject

Found = Iterator[Measured]
"""What a check measures on a trial."""

How = Callable[[FullRun, int, Fed], object]
"""How a run takes a step."""

Step = tuple[Fed, tuple[Array, ...]]
"""What was fed, and where it led."""


@dataclass(frozen=True)
class Trial:
    """What a check measures; runs of the subject, and what the oracle says of them."""

    subject: Subject
    convention: Convention
    problem: Problem

    def on(self, **changes: Any) -> "Trial":
        """The same on a problem that differs in these fields."""
        return replace(self, problem=replace(self.problem, **changes))

    def begin(self, start: Sequence[Array] | None = None) -> FullRun:
        """A run at the problem's start, or from other numbers."""
        return drive.begin(self.subject, self.problem, start)

    def fresh(self) -> FullRun:
        """A run from zeros, to be loaded: of the shapes and first hyper-parameters."""
        return self.begin([np.zeros(shape) for shape in self.problem.shapes])

    def observe(self) -> Observation:
        """An undisturbed run."""
        return drive.observe(self.subject, self.problem)

    def onward(
        self,
        run: FullRun,
        gone: Sequence[Step] = (),
        here: Sequence[Array] | None = None,
        *,
        step: How = plainly,
        told: bool = True,
    ) -> Iterator[Step]:
        """The steps of a run that has gone so far, taken one at a time.

        here: where it stands, if that is not where those steps led. step, told: see `drive.steps`.
        """
        if here is None:
            here = gone[-1][1] if gone else self.problem.start
        points = "point" in self.subject.facts.offers
        return drive.advance(run, self.problem, len(gone), here, points, step=step, told=told)

    def until(self, stop: int) -> tuple[FullRun, list[Step]]:
        """A run that has taken the problem's first steps, and these."""
        run = self.begin()
        return run, list(replace(self, problem=self.problem.cut(stop)).onward(run))

    def whole(self) -> list[Step]:
        """An undisturbed run, step by step."""
        return list(self.onward(self.begin()))

    def judged(self, gone: Sequence[Step] | None = None) -> Found:
        """The oracle's judgement of a run; of an undisturbed one without."""
        if gone is None:
            return judge(self.subject, self.observe(), self.convention)
        fed, iterates = zip(*gone)
        return judge(self.subject, Observation(self.problem, fed, iterates), self.convention)

    def replay(
        self,
        start: Array,
        fed: Sequence[Gradient],
        hypers: Sequence[Hyper],
        dtype: str = "",
        tier: Tier = "fast",
    ) -> Trajectory:
        """The exact run of one array, with the bound of the subject's format."""
        name = self.subject.facts.format_name(dtype or self.problem.dtype)
        return replay_steps(self.convention, start, fed, hypers, dtype=name, tier=tier)

    def exactly(self, seen: Observation, i: int, tier: Tier = "fast") -> Trajectory:
        """The exact run of parameter i on what it was fed."""
        problem = seen.problem
        hypers = [row[problem.groups[i]] for row in problem.hypers]
        return self.replay(problem.start[i], [row[i] for row in seen.fed], hypers, tier=tier)

    @property
    def parameters(self) -> list[str]:
        """Words for each parameter."""
        return [f"parameter {i} of shape {s}" for i, s in enumerate(self.problem.shapes)]
