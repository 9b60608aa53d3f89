"""The framework's own schedulers, and learning rates that are tensors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from momentum.checks import _given
from momentum.checks._check import Found, agrees, check
from momentum.checks._runs import stepped
from momentum.conventions import Convention, Hyper
from momentum.subjects.drive import Fed, begin, plainly, tell
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Subject

FACTORS = (1.0, 0.5, 0.5, 0.25, 2.0, 0.0, 1.0)
"""Powers of two and zero: their products with a learning rate are exact in every format."""


def scheduled(problem: Problem, factors: Sequence[float], **options: Any) -> Problem:
    """The problem with the learning rate of step t times factors[t], by scheduler."""
    shares = tuple(factors[t % len(factors)] for t in range(problem.steps))
    rows = [tuple(h._replace(lr=h.lr * share) for h in problem.hypers[0]) for share in shares]
    named = (("scheduler", shares), *options.items())
    return replace(problem, hypers=tuple(rows), options=named)


def schedules(setting: Setting) -> Sequence[Problem]:
    """One group and two, with momentum and without."""
    if not _given.free(setting, "lr"):
        return []
    full = _given.hyper(setting, **_given.FULL)
    plain = _given.hyper(setting, lr=0.3)
    tried = [_given.run(setting, [full] * 7), _given.run(setting, [plain] * 3)]
    if setting.facts.groups:
        pair = (full, full._replace(lr=0.2))
        tried.append(_given.run(setting, [pair] * 7, groups=(0, 1)))
    return [scheduled(p, FACTORS) for p in tried]


def random_schedules(setting: Setting) -> st.SearchStrategy[Problem]:
    """Factors from 0 to 2, the first of them 1."""
    free = _given.free(setting, "lr")
    shares = st.lists(st.integers(0, 16).map(lambda k: k / 8), min_size=7, max_size=7)
    drawn = problems(setting, steps=(2, 8), groups=2, shapes=None if free else ())
    return st.builds(lambda p, f: scheduled(p, (1.0, *f)), drawn, shares)


@check(
    statement="The framework's own scheduler sets the learning rate of every step.",
    source="pytorch/pytorch#20400; torch.optim.lr_scheduler.LambdaLR",
    catches=(
        "scheduler_compounds scheduler_one_step_late scheduler_first_group_only "
        "scheduler_needs_momentum"
    ),
    needs=("schedulers", "hyper:lr"),
    always=schedules,
    random=random_schedules,
)
def follows_the_framework_scheduler(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from _by_itself(subject, convention, problem)


@check(
    statement="The framework's own scheduler sets a learning rate that is a tensor.",
    source="pytorch/pytorch#126854",
    catches="scheduler_compounds_tensor_lr",
    needs=("schedulers", "tensor_lr"),
    always=lambda s: [replace(p, options=(*p.options, ("tensor_lr", True))) for p in schedules(s)],
)
def scheduler_fills_a_tensor(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _by_itself(subject, convention, problem)


def own_schedules(setting: Setting) -> Sequence[Problem]:
    """Six steps of one group, and of two."""
    if not _given.free(setting, "lr"):
        return []
    full = _given.hyper(setting, **_given.FULL)
    tried = [_given.run(setting, [full] * 6)]
    if setting.facts.groups:
        tried.append(_given.run(setting, [(full, full._replace(lr=0.2))] * 6, groups=(0, 1)))
    return tried


@check(
    statement="Each of the framework's own schedules is the rates that it sets, set by hand.",
    source="torch.optim.lr_scheduler",
    catches="own_schedule_ignored own_schedule_one_step_late",
    needs=("own_schedules", "hyper:lr"),
    always=own_schedules,
)
def own_schedules_are_rates_set_by_hand(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    for name, rows in begin(subject, problem).schedules(problem.steps).items():
        hypers = tuple(tuple(row) for row in rows)
        scheduled = replace(problem, hypers=hypers, options=(("schedule", name),))
        # The start has the rate that the schedule starts from, not that of its first step.
        for measured in _by_itself(subject, convention, scheduled, problem):
            yield measured._replace(where=f"{name}: {measured.where}")


@check(
    statement="A tensor rate that another takes the place of means what one filled anew means.",
    source="torch.optim.SGD: lr (float, Tensor); a schedule may do either",
    catches="tensor_lr_kept_when_replaced",
    needs=("tensor_lr", "hyper:lr", "settable:lr"),
    always=lambda s: tensor_rates(s),
)
def replaced_tensor_rates_count(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    for every in (1, 2):

        def replacing(run: Any, t: int, fed: Fed, every: int = every) -> None:
            if t % every == 0:
                run.replace_rates()
            tell(run, problem.hypers, t)
            plainly(run, t, fed)

        yield from stepped(subject, convention, problem, replacing, told=False)


def _by_itself(
    subject: Subject, convention: Convention, problem: Problem, begun: Problem | None = None
) -> Found:
    """A run that nobody tells its hyper-parameters. begun: with those that it starts from."""
    first = problem if begun is None else replace(begun, options=problem.options)
    yield from stepped(subject, convention, problem, run=begin(subject, first), told=False)


def tensor_rates(setting: Setting) -> Sequence[Problem]:
    """Everything on; the learning rate changes in the run where it may."""
    if not _given.free(setting, "lr"):
        return []
    first = _given.hyper(setting, **_given.FULL)
    then = _given.changed(setting, first, lr=0.2)
    last = _given.changed(setting, first, lr=0.0)
    rows: list[Hyper] = [first, first, then, then, last, first]
    return [replace(_given.run(setting, rows), options=(("tensor_lr", True),))]


@agrees(
    statement="A learning rate that is a tensor means what the number in it means.",
    source="torch.optim.SGD: lr (float, Tensor)",
    catches="tensor_lr_goes_stale tensor_lr_in_half",
    needs=("tensor_lr", "hyper:lr"),
    random=lambda s: problems(
        s, steps=(1, 6), schedule=("lr",), options=(("tensor_lr", True),), groups=2
    ),
)
def takes_a_tensor_for_learning_rate(setting: Setting) -> Sequence[Problem]:
    """Rates that change."""
    return tensor_rates(setting)
