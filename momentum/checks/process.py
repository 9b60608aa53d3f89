"""What a run must not touch: settings of the whole process, and runs in other threads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from momentum.checks import _given
from momentum.checks._check import Found, check, true
from momentum.checks._lockstep import lockstep
from momentum.checks._runs import compared, forms, onward, whole
from momentum.conventions import Convention
from momentum.subjects.drive import begin
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import Array, Subject


def with_empty_steps(setting: Setting) -> Sequence[Problem]:
    """Three steps in each form, of which the second has no gradient, where that may be."""
    gaps = [(1, 0), (1, 1)] if setting.facts.none_gradients else []
    return [_given.run(setting, [row] * 3, missing=gaps) for row in forms(setting)]


@check(
    statement="Nothing is set for the whole process or thread, by no step and no constructor.",
    source="law; the program around has its own settings: torch.set_grad_enabled, numpy.seterr",
    catches="error_handling_left_off random_numbers_drawn",
    needs=("settings",),
    always=with_empty_steps,
)
def leaves_the_process_alone(subject: Subject, convention: Convention, problem: Problem) -> Found:
    still = begin(subject, problem)
    still.restore()
    before: dict[str, Any] = still.settings()
    try:
        run, here = begin(subject, problem), problem.start
        yield from _unchanged(before, run.settings(), "the constructor", 0)
        for t in range(problem.steps):
            run.step(problem.gradients(t, here))
            after = run.settings()
            here = run.parameters()
            empty = (t, 0) in problem.missing
            name = "a step without gradients" if empty else "a step"
            yield from _unchanged(before, after, name, t + 1)
    finally:
        still.restore()


def _unchanged(before: dict[str, Any], after: dict[str, Any], who: str, step: int) -> Found:
    for name, old in before.items():
        new = after[name]
        short = "" if len(f"{old}{new}") > 60 else f": {old} before, {new} after"
        yield true(old == new, f"{who} changed the {name}{short}", step)


@check(
    statement="Runs that are stepped in two threads at once go as each does alone.",
    source="law; two optimizers share no scratch memory. The threads take turns line by line",
    catches="scratch_shared_by_all_runs",
    needs=("threads",),
    always=lambda s: [_given.run(s, [row] * 2, ((7,), (7,))) for row in forms(s)],
)
def runs_in_threads_are_independent(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    pair = problem, replace(problem, seed=problem.seed + 1)
    alone = [whole(subject, p) for p in pair]
    gone: list[list[list[Array]]] = [[], []]

    def walk(which: int) -> Callable[[], None]:
        run, mine = begin(subject, pair[which]), pair[which]

        def steps() -> None:
            gone[which].extend(onward(subject, run, mine, 0, mine.start))

        return steps

    lockstep(walk(0), walk(1))
    for which, name in enumerate(("first", "second")):
        yield from compared(f"{name} of two threads", gone[which], alone[which], problem, 0)
