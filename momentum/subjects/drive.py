"""The one loop that steps a subject: what it is fed, and where it goes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.subjects.offers import FullRun, full
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Gradient, Run, Subject, SubjectError

Fed = tuple[Gradient, ...]
"""The gradients of a step, in the order of the parameters."""

R = TypeVar("R", bound=Run)

Row = Sequence[Hyper]
"""The hyper-parameters of a step, one a group."""


@dataclass(frozen=True)
class Observation:
    """fed[t][i]: gradient of parameter i at step t. iterates[t][i]: parameter i after step t."""

    problem: Problem
    fed: tuple[Fed, ...]
    iterates: tuple[tuple[Array, ...], ...]


def begin(subject: Subject, problem: Problem, start: Sequence[Array] | None = None) -> FullRun:
    """A run at the problem's start, or from other numbers."""
    values = [x.copy() for x in (problem.start if start is None else start)]
    groups, options = list(problem.groups), dict(problem.options)
    return full(subject.start(values, list(problem.hypers[0]), problem.dtype, groups, options))


def tell(run: Run, hypers: Sequence[Row], t: int) -> None:
    """The hyper-parameters of a step, where they are others than those of the step before."""
    if t and hypers[t] != hypers[t - 1]:
        for g, h in enumerate(hypers[t]):
            run.set(h, g)


def plainly(run: Run, t: int, fed: Sequence[Gradient]) -> None:
    """A step as a training takes it; gradients are handed over in memory of their own."""
    run.step([None if g is None else g.copy() for g in fed])


def steps(
    run: R,
    hypers: Sequence[Row],
    gradients: Callable[[int, Sequence[Array]], Sequence[Gradient]],
    here: Sequence[Array] = (),
    *,
    first: int = 0,
    step: Callable[[R, int, Fed], object] = plainly,
    told: bool = True,
    problem: Problem | None = None,
) -> Iterator[tuple[Fed, tuple[Array, ...]]]:
    """Step a run from step `first` on; what it was fed and where it went, step by step.

    gradients(t, here): what it is fed. step: how a step is taken. told: it is told of changes of
    hyper-parameters. problem: whose shapes and format its parameters must have.
    """
    for t in range(first, len(hypers)):
        if told:
            tell(run, hypers, t)
        fed = tuple(gradients(t, here))
        step(run, t, fed)
        here = run.parameters()
        here = here if problem is None else held(here, problem, t + 1)
        yield fed, tuple(here)


def advance(
    run: FullRun,
    problem: Problem,
    first: int,
    iterates: Sequence[Array],
    points: bool = False,
    *,
    step: Callable[[FullRun, int, Fed], object] = plainly,
    told: bool = True,
) -> Iterator[tuple[Fed, tuple[Array, ...]]]:
    """Take a problem's steps; points: the run says where its gradients are to be taken."""

    def gradients(t: int, here: Sequence[Array]) -> Sequence[Gradient]:
        return problem.gradients(t, run.point() if points else here)

    return steps(
        run, problem.hypers, gradients, iterates,
        first=first, step=step, told=told, problem=problem,
    )  # fmt: skip


def held(got: Sequence[Array], problem: Problem, step: int) -> list[Array]:
    """Parameters as they must be.

    Raises: SubjectError where number, shape or dtype are others.
    """
    format = format_of(problem.dtype)
    if len(got) != len(problem.shapes):
        raise SubjectError(
            f"after step {step} there are {len(got)} parameters, wanted {len(problem.shapes)}"
        )
    for i, (x, shape) in enumerate(zip(got, problem.shapes)):
        if x.shape != shape:
            raise SubjectError(
                f"after step {step} parameter {i} has shape {x.shape}, wanted {shape}"
            )
        if not np.array_equal(format.round(x), x, equal_nan=True):
            raise SubjectError(
                f"after step {step} parameter {i} holds numbers that are no {format.name}"
            )
    return [np.asarray(x, dtype=np.float64) for x in got]


def observe(subject: Subject, problem: Problem) -> Observation:
    """Run a subject on a problem."""
    run = begin(subject, problem)
    points = "point" in subject.facts.offers
    if subject.facts.at_once and not problem.closed and not points:
        return _at_once(run, problem)
    # A schedule of its own sets the rates.
    told = not {"scheduler", "schedule"} & dict(problem.options).keys()
    steps = list(advance(run, problem, 0, problem.start, points, told=told))
    return Observation(problem, tuple(s[0] for s in steps), tuple(s[1] for s in steps))


def _at_once(run: FullRun, problem: Problem) -> Observation:
    """The same for a run that takes many steps in one message, where nothing depends on them."""
    fed = tuple(tuple(problem.gradients(t, problem.start)) for t in range(problem.steps))
    got = run.steps(fed, problem.hypers)
    iterates = (tuple(held(x, problem, t)) for t, x in enumerate(got, 1))
    return Observation(problem, fed, tuple(iterates))
