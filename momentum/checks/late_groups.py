"""Parameter groups that join a running optimizer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.conventions import Convention
from momentum.subjects.drive import Observation, read
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, hypers
from momentum.subjects.protocol import Array, Subject


def joined(problem: Problem, after: int) -> Problem:
    """The problem with group 1 joining after some steps: before, it has no gradients."""
    late = [i for i, g in enumerate(problem.groups) if g == 1]
    absent = frozenset((t, i) for t in range(after) for i in late)
    return replace(problem, missing=absent)


def late(setting: Setting) -> Sequence[Problem]:
    """A second group, pairwise different from the first, before the first step and after two."""
    first = _given.hyper(setting, **_given.FULL)
    second = _given.hyper(setting, lr=0.2, momentum=0.7, dampening=0.45, weight_decay=0.05, nu=0.8)
    problem = _given.run(setting, [(first, second)] * 6, ((7,), (7,), (3, 5)), groups=(0, 1, 1))
    return [joined(problem, after) for after in (0, 2)]


@st.composite
def random_late(draw: st.DrawFn, setting: Setting) -> Problem:
    """Two groups, the second of which joins at any step."""
    row = draw(hypers(setting)), draw(hypers(setting))
    steps = draw(st.integers(2, 8))
    problem = _given.run(
        setting,
        [row] * steps,
        ((7,), (3, 5), (7,)),
        groups=(0, 0, 1),
        seed=draw(st.integers(0, 99)),
    )
    return joined(problem, draw(st.integers(0, steps - 1)))


@check(
    statement="A group that joins late takes its first step with its own hyper-parameters, and"
    " the others go on.",
    source="torch.optim.Optimizer.add_param_group",
    catches=(
        "late_group_ignored late_group_with_hyper_of_first late_group_clears_velocity "
        "late_group_at_second_step"
    ),
    needs=("late_groups", "groups"),
    always=late,
    random=random_late,
)
def late_group_starts_afresh(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from judge(subject, _observed(subject, problem, {}), convention)


def defaults(setting: Setting) -> Sequence[Problem]:
    """Group 1 has what group 0 began with; what group 0 has now differs from the second step on."""
    first = _given.hyper(setting, **_given.FULL)
    then = _given.changed(setting, first, **_given.CHANGED)
    rows = [(first, first), *[(then, first)] * 5]
    problem = _given.run(setting, rows, ((7,), (7,), (3, 5)), groups=(0, 1, 1))
    return [joined(problem, after) for after in (0, 2)]


@check(
    statement="A late group that says nothing has the optimizer's defaults, whatever others have.",
    source="torch.optim.Optimizer.add_param_group: defaults are filled in",
    catches="late_group_with_hyper_of_first late_group_without_defaults",
    needs=("late_groups", "groups"),
    always=defaults,
)
def late_group_has_the_defaults(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from judge(subject, _observed(subject, problem, {}, plain=True), convention)


@check(
    statement="A group may join a run that has a scheduler, and the others stay on schedule.",
    source="pytorch/pytorch#53712",
    catches="late_group_breaks_scheduler",
    level="should",
    needs=("late_groups", "groups", "schedulers", "hyper:lr"),
    errors_fail=True,
    always=lambda s: late(s)[1:] if _given.free(s, "lr") else [],
)
def late_group_may_join_a_schedule(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    factors = [2.0**-t for t in range(problem.steps)]
    seen = _observed(subject, problem, {"scheduler": tuple(factors)})
    for i, g in enumerate(problem.groups):
        if g == 0:
            rows = [
                tuple(h._replace(lr=h.lr * f) for h in row[:1])
                for row, f in zip(problem.hypers, factors)
            ]
            alone = replace(
                problem, shapes=problem.shapes[: i + 1], groups=(0,) * (i + 1), hypers=tuple(rows)
            )
            fed = tuple(row[: i + 1] for row in seen.fed)
            iterates = tuple(row[: i + 1] for row in seen.iterates)
            yield from judge(subject, Observation(alone, fed, iterates), convention)


def _observed(
    subject: Subject, problem: Problem, options: dict[str, Any], plain: bool = False
) -> Observation:
    """A run whose group 1, the last parameters, joins when it has its first gradient."""
    early = [i for i, g in enumerate(problem.groups) if g == 0]
    count = len(early)
    run = subject.start(
        [x.copy() for x in problem.start[:count]],
        [problem.hypers[0][0]],
        problem.dtype,
        [0] * count,
        options,
    )
    here: list[Array] = problem.start
    fed, iterates = [], []
    for t in range(problem.steps):
        if plain and t and problem.hypers[t][0] != problem.hypers[t - 1][0]:
            run.set(problem.hypers[t][0], 0)
        row = problem.gradients(t, here)
        if count < len(problem.groups) and row[-1] is not None:
            own = None if plain else problem.hypers[t][1]
            run.add_group([x.copy() for x in problem.start[count:]], own)
            count = len(problem.groups)
        fed.append(tuple(row))
        run.step([None if g is None else g.copy() for g in row[:count]])
        got = read(run, problem, t + 1) if count == len(problem.groups) else run.parameters()
        here = [*got, *problem.start[len(got) :]]
        iterates.append(tuple(here))
    return Observation(problem, tuple(fed), tuple(iterates))
