"""The framework's own schedulers, and learning rates that are tensors."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, agrees, check, those_of, worded
from momentum.checks._given import Drawn, Problem, Problems, Setting, problems
from momentum.checks._runs import stepped
from momentum.subjects.drive import Fed, plainly, tell
from momentum.subjects.offers import FullRun

FACTORS = (1.0, 0.5, 0.5, 0.25, 2.0, 0.0, 1.0)
"""Powers of two and zero: their products with a learning rate are exact in every format."""


def scheduled(problem: Problem, factors: Sequence[float]) -> Problem:
    """The problem with the learning rate of step t times factors[t], by scheduler."""
    shares = tuple(factors[t % len(factors)] for t in range(problem.steps))
    rows = [tuple(h._replace(lr=h.lr * share) for h in problem.hypers[0]) for share in shares]
    return replace(problem, hypers=tuple(rows), options=(("scheduler", shares),))


def schedules(setting: Setting) -> Problems:
    """One group and two, with momentum and without."""
    plain = given.run(setting, [given.hyper(setting, lr=0.3)] * 3)
    longer = [replace(p, hypers=p.hypers[:1] * 7) for p in own_schedules(setting)]
    tried = [*longer[:1], plain, *longer[1:]] if longer else []
    return [scheduled(p, FACTORS) for p in tried]


def random_schedules(setting: Setting) -> Drawn:
    """Factors from 0 to 2, the first of them 1."""
    free = given.free(setting, "lr")
    shares = st.lists(st.integers(0, 16).map(lambda k: k / 8), min_size=7, max_size=7)
    drawn = problems(setting, steps=(2, 8), groups=2, shapes=None if free else ())
    return st.builds(lambda p, f: scheduled(p, (1.0, *f)), drawn, shares)


@check(
    statement="The framework's own scheduler sets the learning rate of every step.",
    source="pytorch/pytorch#20400; torch.optim.lr_scheduler.LambdaLR",
    catches="""scheduler_compounds scheduler_one_step_late scheduler_first_group_only
        scheduler_needs_momentum""",
    needs=("schedulers", "hyper:lr"),
    always=schedules,
    random=random_schedules,
)
def follows_the_framework_scheduler(trial: Trial) -> Found:
    yield from stepped(trial, told=False)


@check(
    statement="The framework's own scheduler sets the rate of each of hundreds of steps.",
    source="law; a count of steps has no end, and a narrow integer has",
    catches="scheduler_count_saturates",
    needs=("schedulers", "hyper:lr"),
    always=lambda s: [scheduled(p, FACTORS) for p in hundreds(s)],
)
def scheduler_counts_hundreds_of_steps(trial: Trial) -> Found:
    yield from stepped(trial, told=False)


def hundreds(setting: Setting) -> Problems:
    """One small parameter, over the ends of integers of seven and of eight bits."""
    h = given.hyper(setting, lr=0.3, momentum=0.8, nu=0.6)
    return [given.run(setting, [h] * 300, [(3,)])] if given.free(setting, "lr") else []


@check(
    statement="The framework's own scheduler sets a learning rate that is a tensor.",
    source="pytorch/pytorch#126854",
    catches="scheduler_compounds_tensor_lr",
    needs=("schedulers", "tensor_lr"),
    always=lambda s: [replace(p, options=(*p.options, ("tensor_lr", True))) for p in schedules(s)],
)
def scheduler_fills_a_tensor(trial: Trial) -> Found:
    yield from stepped(trial, told=False)


def own_schedules(setting: Setting) -> Problems:
    """Six steps of one group, and of two."""
    if given.free(setting, "lr"):
        full = given.hyper(setting, **given.FULL)
        yield given.run(setting, [full] * 6)
        if setting.facts.groups:
            yield given.run(setting, [(full, full._replace(lr=0.2))] * 6, groups=(0, 1))


@check(
    statement="Each of the framework's own schedules is the rates that it sets, set by hand.",
    source="torch.optim.lr_scheduler",
    catches="own_schedule_ignored own_schedule_one_step_late",
    needs=("own_schedules", "hyper:lr"),
    always=own_schedules,
)
def own_schedules_are_rates_set_by_hand(trial: Trial) -> Found:
    for name, rows in trial.begin().schedules(trial.problem.steps).items():
        # The start has the rate that the schedule starts from, not that of its first step.
        first = trial.on(options=(("schedule", name),))
        scheduled = first.on(hypers=tuple(tuple(row) for row in rows))
        yield from worded(stepped(scheduled, run=first.begin(), told=False), f"{name}: ")


@check(
    statement="A tensor rate that another takes the place of means what one filled anew means.",
    source="torch.optim.SGD: lr (float, Tensor); a schedule may do either",
    catches="tensor_lr_kept_when_replaced",
    needs=("tensor_lr", "hyper:lr", "settable:lr"),
    always=those_of("takes_a_tensor_for_learning_rate"),
)
def replaced_tensor_rates_count(trial: Trial) -> Found:
    for every in (1, 2):

        def replacing(run: FullRun, t: int, fed: Fed, every: int = every) -> None:
            if t % every == 0:
                run.replace_rates()
            tell(run, trial.problem.hypers, t)
            plainly(run, t, fed)

        yield from stepped(trial, replacing, told=False)


@agrees(
    statement="A learning rate that is a tensor means what the number in it means.",
    source="torch.optim.SGD: lr (float, Tensor)",
    catches="tensor_lr_goes_stale tensor_lr_in_half",
    needs=("tensor_lr", "hyper:lr"),
    random=lambda s: problems(
        s, steps=(1, 6), schedule=("lr",), options=(("tensor_lr", True),), groups=2
    ),
)
def takes_a_tensor_for_learning_rate(setting: Setting) -> Problems:
    """Everything on; the learning rate changes in the run where it may."""
    if given.free(setting, "lr"):
        first = given.hyper(setting, **given.FULL)
        then, last = (given.changed(setting, first, lr=lr) for lr in (0.2, 0.0))
        rows = [first, first, then, then, last, first]
        yield given.run(setting, rows, options={"tensor_lr": True})
