"""Runs that are stopped, resumed, copied and stepped by turns."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from momentum.checks import _given
from momentum.checks._paths import alike
from momentum.conventions import Convention, Hyper
from momentum.subjects.drive import Fed, Observation, advance, begin, plainly
from momentum.subjects.judge import Measured, judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import Array, Run, Subject

Steps = Iterator[list[Array]]

FORMS = ("momentum", "weight_decay", "maximize", "nesterov", "all")
"""Branches of a step that may each treat memory in their own way."""


def forms(setting: Setting) -> list[Hyper]:
    """Momentum alone; with one further thing; with all of them; as far as the setting has them."""
    alone = {"lr": 0.3, "momentum": 0.8, "nu": 0.6}
    wanted: dict[str, Any] = {
        "momentum": alone,
        "weight_decay": {**alone, "weight_decay": 0.15},
        "maximize": {**alone, "maximize": True},
        "nesterov": {**alone, "nesterov": True},
        "all": _given.FULL,
    }
    made = [_given.hyper(setting, **wanted[name]) for name in FORMS]
    return list(dict.fromkeys(made))


def every_form(setting: Setting) -> Sequence[Problem]:
    """Three steps in each form."""
    return [_given.run(setting, [row] * 3) for row in forms(setting)]


def walked(
    subject: Subject,
    problem: Problem,
    step: Callable[[Any, int, Fed], Any] = plainly,
    run: Any = None,
    told: bool = True,
) -> Iterator[tuple[int, Any, Fed, list[Array]]]:
    """After each step: its number from 0, the run, what was fed, and where it led.

    step: how it is taken. run: what takes it, begun anew by default. told: of changes of numbers.
    """
    run = begin(subject, problem) if run is None else run
    points = "point" in subject.facts.offers
    gone = advance(run, problem, 0, problem.start, points, step=step, told=told)
    for t, (fed, here) in enumerate(gone):
        yield t, run, fed, list(here)


def stepped(
    subject: Subject, convention: Convention, problem: Problem, *how: Any, **more: Any
) -> Iterator[Measured]:
    """The oracle's judgement of a run whose steps are taken in another way; see `walked`."""
    gone = [(fed, tuple(here)) for _, _, fed, here in walked(subject, problem, *how, **more)]
    fed, iterates = zip(*gone)
    yield from judge(subject, Observation(problem, fed, iterates), convention)


def onward(
    subject: Subject, run: Any, problem: Problem, first: int, here: Sequence[Array]
) -> Steps:
    """The iterates after each step from `first` on, made one at a time."""
    points = "point" in subject.facts.offers
    for _, iterates in advance(run, problem, first, here, points):
        yield list(iterates)


def whole(subject: Subject, problem: Problem) -> list[list[Array]]:
    """The iterates of an undisturbed run."""
    return list(onward(subject, begin(subject, problem), problem, 0, problem.start))


def until(subject: Subject, problem: Problem, steps: int) -> tuple[Any, list[Array]]:
    """A run that has taken some of the problem's steps, and where it is."""
    run, here = begin(subject, problem), problem.start
    for iterates in onward(subject, run, problem.cut(steps), 0, here):
        here = iterates
    return run, here


def fresh(subject: Subject, problem: Problem) -> Any:
    """A run from zeros, to be loaded: with the shapes and first hyper-parameters of the problem."""
    return begin(subject, problem, [np.zeros(shape) for shape in problem.shapes])


def by_turns(*paths: Steps) -> list[list[list[Array]]]:
    """Runs that take one step each, again and again; what each went through."""
    gone: list[list[list[Array]]] = [[] for _ in paths]
    for row in zip(*paths):
        for seen, iterates in zip(gone, row):
            seen.append(iterates)
    return gone


def catch_up(run: Run, problem: Problem, stop: int) -> None:
    """Tell a run that was started anew the hyper-parameters of the step before."""
    if stop and problem.hypers[stop - 1] != problem.hypers[0]:
        for g, h in enumerate(problem.hypers[stop - 1]):
            run.set(h, g)


def compared(
    name: str,
    got: Sequence[Sequence[Array]],
    wanted: Sequence[Sequence[Array]],
    problem: Problem,
    skipped: int | None = None,
) -> Iterator[Measured]:
    """Bit for bit, a path against the end of another one, which took `skipped` steps before."""
    if skipped is None:
        skipped = len(wanted) - len(got)
        wanted = wanted[skipped:]
    for measured in alike(got, wanted, problem):
        step = measured.step + skipped
        where = measured.where.removeprefix(f"step {measured.step}, ")
        yield measured._replace(where=f"{name}: step {step}, {where}", step=step)


def stops(problem: Problem) -> list[int]:
    """Where to interrupt: everywhere in a short run, else at one step that the seed names."""
    if problem.steps <= 4:
        return list(range(problem.steps + 1))
    return [1 + problem.seed % (problem.steps - 1)]
