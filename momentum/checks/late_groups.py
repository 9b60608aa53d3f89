"""Parameter groups that join a running optimizer."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from momentum.checks import _given as given
from momentum.checks._check import Found, Problem, Problems, Setting, Step, Trial, advice, check
from momentum.checks._trial import How
from momentum.subjects.drive import held, plainly, tell
from momentum.subjects.offers import FullRun
from momentum.subjects.problems.strategies import hypers


def joined(problem: Problem, *after: int) -> Problem:
    """The problem with group 1 and on joining after so many steps: before, they have no gradients.

    Groups stand in order.
    """
    late = [(i, after[g - 1]) for i, g in enumerate(problem.groups) if g]
    return replace(problem, missing=frozenset((t, i) for i, end in late for t in range(end)))


def late(setting: Setting) -> list[Problem]:
    """A second group, pairwise different from the first, before the first step and after two."""
    first = given.hyper(setting, **given.FULL)
    second = given.hyper(setting, lr=0.2, momentum=0.7, dampening=0.45, weight_decay=0.05, nu=0.8)
    problem = given.run(setting, [(first, second)] * 6, ((7,), (7,), (3, 5)), groups=(0, 1, 1))
    return [joined(problem, after) for after in (0, 2)]


@st.composite
def random_late(draw: st.DrawFn, setting: Setting) -> Problem:
    """Two groups, the second of which joins at any step."""
    row = draw(hypers(setting)), draw(hypers(setting))
    steps = draw(st.integers(2, 8))
    problem = given.run(
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
    catches="""late_group_ignored late_group_with_hyper_of_first late_group_clears_velocity
        late_group_at_second_step""",
    needs=("late_groups", "groups"),
    always=late,
    random=random_late,
)
def late_group_starts_afresh(trial: Trial) -> Found:
    yield from trial.judged(joining(trial))


def defaults(setting: Setting) -> Problems:
    """Group 1 has what group 0 began with; what group 0 has now differs from the second step on.

    Then the same of group 2, when group 1 has joined with settings of its own.
    """
    first = given.hyper(setting, **given.FULL)
    then = given.changed(setting, first, **given.CHANGED)
    rows = [(first, first), *[(then, first)] * 5]
    problem = given.run(setting, rows, ((7,), (7,), (3, 5)), groups=(0, 1, 1))
    own = late(setting)[0].hypers[0][1]
    third = given.run(setting, [(first, own, first)] * 5, ((7,), (7,), (3, 5)), groups=(0, 1, 2))
    return [joined(problem, 0), joined(problem, 2), joined(third, 1, 3)]


@check(
    statement="A late group that says nothing has the optimizer's defaults, whatever others have.",
    source="torch.optim.Optimizer.add_param_group: defaults are filled in",
    catches="""late_group_with_hyper_of_first late_group_without_defaults
        late_group_sets_the_defaults""",
    needs=("late_groups", "groups"),
    always=defaults,
)
def late_group_has_the_defaults(trial: Trial) -> Found:
    yield from trial.judged(joining(trial, plain=True))


@advice(
    statement="A group may join a run that has a scheduler, and the others stay on schedule.",
    source="pytorch/pytorch#53712",
    catches="late_group_breaks_scheduler",
    needs=("late_groups", "groups", "schedulers", "hyper:lr"),
    errors_fail=True,
    always=lambda s: late(s)[1:] if given.free(s, "lr") else [],
)
def late_group_may_join_a_schedule(trial: Trial) -> Found:
    problem = trial.problem
    factors = tuple(2.0**-t for t in range(problem.steps))
    gone = joining(trial, scheduler=factors)
    rows = tuple((row[0]._replace(lr=row[0].lr * f),) for row, f in zip(problem.hypers, factors))
    for i in range(problem.groups.count(0)):
        alone = trial.on(shapes=problem.shapes[: i + 1], groups=(0,) * (i + 1), hypers=rows)
        yield from alone.judged([(fed[: i + 1], here[: i + 1]) for fed, here in gone])


def as_it_is(run: FullRun, t: int, count: int) -> FullRun:
    """Nothing happens between two steps."""
    return run


def joining(
    trial: Trial,
    *,
    plain: bool = False,
    between: Callable[[FullRun, int, int], FullRun] = as_it_is,
    step: How = plainly,
    **options: object,
) -> list[Step]:
    """A run whose groups after the first join when they have their first gradients.

    plain: one that has the settings of the start says nothing. between(run, t, count): the run
    that takes step t, in which so many parameters take part. step: how. options: of the start.
    """
    problem, groups, start = trial.problem, trial.problem.groups, trial.problem.start
    count, hypers = groups.count(0), tuple(row[:1] for row in problem.hypers)
    early = {"shapes": problem.shapes[:count], "groups": (0,) * count, "hypers": hypers}
    run = trial.on(**early, options=tuple(options.items())).begin(start[:count])
    here, gone = start, list[Step]()
    for t in range(problem.steps):
        tell(run, hypers, t)
        fed = tuple(problem.gradients(t, here))
        while count < len(start) and fed[count] is not None:
            own, end = problem.hypers[t][groups[count]], count + groups.count(groups[count])
            silent = plain and own == problem.hypers[0][0]
            run.add_group([x.copy() for x in start[count:end]], None if silent else own)
            count = end
        run = between(run, t, count)
        step(run, t, fed[:count])
        here = held([*run.parameters(), *start[count:]], problem, t + 1)
        gone.append((fed, tuple(here)))
    return gone
