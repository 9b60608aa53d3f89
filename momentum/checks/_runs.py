"""Runs that are stopped, resumed, copied and stepped by turns."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from momentum.checks import _given
from momentum.checks._check import Found, Step, Trial, same, worded
from momentum.checks._given import Problem, Setting
from momentum.checks._trial import How as How
from momentum.conventions import Hyper
from momentum.subjects.drive import Fed, plainly
from momentum.subjects.offers import FullRun
from momentum.subjects.protocol import Array, Run

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
    trial: Trial, step: How = plainly, run: FullRun | None = None, told: bool = True
) -> Iterator[tuple[int, FullRun, Fed, list[Array]]]:
    """After each step: its number from 0, the run, what was fed, and where it led.

    step: how it is taken. run: what takes it, begun anew by default. told: of changes of numbers.
    """
    run = trial.begin() if run is None else run
    for t, (fed, here) in enumerate(trial.onward(run, step=step, told=told)):
        yield t, run, fed, list(here)


def stepped(
    trial: Trial, step: How = plainly, run: FullRun | None = None, told: bool = True
) -> Found:
    """The oracle's judgement of a run whose steps are taken in another way; see `walked`."""
    run = trial.begin() if run is None else run
    yield from trial.judged(list(trial.onward(run, step=step, told=told)))


def by_turns(*paths: Iterable[Step]) -> list[list[Step]]:
    """Runs that take one step each, again and again; what each went through."""
    gone: list[list[Step]] = [[] for _ in paths]
    for row in zip(*paths):
        for seen, step in zip(gone, row):
            seen.append(step)
    return gone


def catch_up(run: Run, problem: Problem, stop: int) -> None:
    """Tell a run that was started anew the hyper-parameters of the step before."""
    if stop and problem.hypers[stop - 1] != problem.hypers[0]:
        for g, h in enumerate(problem.hypers[stop - 1]):
            run.set(h, g)


def compared(
    name: str,
    got: Sequence[Step],
    wanted: Sequence[Step],
    problem: Problem,
    skipped: int | None = None,
) -> Found:
    """Bit for bit, a path against the end of another one, which took `skipped` steps before."""
    if skipped is None:
        skipped = len(wanted) - len(got)
        wanted = wanted[skipped:]
    for step, ((_, here), (_, there)) in enumerate(zip(got, wanted), skipped + 1):
        for i, (a, b) in enumerate(zip(here, there)):
            where = f"{name}: step {step}, parameter {i} of shape {problem.shapes[i]}"
            yield same(a, b, where, step)


def goes_on(name: str, trial: Trial, path: Sequence[Step], wanted: Sequence[Step]) -> Found:
    """The same, or as right: loading may round a state that was wider than its parameter."""
    found = list(compared(name, path, wanted, trial.problem))
    if any(m.error for m in found):
        found = list(worded(trial.judged(path), f"{name}: "))
    yield from found


def stops(problem: Problem) -> list[int]:
    """Where to interrupt: everywhere in a short run, else at one step that the seed names."""
    if problem.steps <= 4:
        return list(range(problem.steps + 1))
    return [1 + problem.seed % (problem.steps - 1)]
