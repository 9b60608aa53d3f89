"""What stands around a step: hooks, cleared gradients, counters of writes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import (
    Found,
    Problems,
    Setting,
    Trial,
    advice,
    check,
    same,
    true,
    worded,
)
from momentum.checks._runs import every_form, stepped, walked
from momentum.checks.late_groups import late
from momentum.subjects.drive import Fed, plainly
from momentum.subjects.offers import FullRun, full
from momentum.subjects.refusals import Refusals


def grouped(setting: Setting) -> Problems:
    """Three steps in each form, and of two groups."""
    yield from every_form(setting)
    if setting.facts.groups:
        h = given.hyper(setting, **given.FULL)
        yield given.apart(setting, (h, given.revised(setting, h, lr=0.2)))


@check(
    statement="A step calls the hooks before and after it once each, and moves in between.",
    source="torch.optim.Optimizer.register_step_pre_hook, register_step_post_hook; pytorch#119300",
    catches="""hooks_not_called hooks_called_twice hook_called_before_moving
        hooks_called_for_each_group hooks_not_called_with_closure""",
    needs=("hooks",),
    always=grouped,
)
def hooks_stand_around_a_step(trial: Trial) -> Found:
    yield from _hooked(trial, False)
    subject, h, dtype = trial.subject, trial.problem.hypers[0][0], trial.problem.dtype
    able = "closure" in subject.facts.offers
    if able and Refusals(subject).asked("closure", h, dtype) is None:
        yield from worded(_hooked(trial, True), "through a closure, ")


def _hooked(trial: Trial, closure: bool) -> Found:
    seen: list[Any] = []

    def step(run: FullRun, t: int, fed: Fed) -> None:
        seen.append(run.hooked_step(fed, closure))

    before = trial.problem.start
    for t, _, _, here in walked(trial, step):
        names = [name for name, _ in seen[t]]
        where = f"step {t + 1}: hooks called: {', '.join(names) or 'none'}"
        yield true(names == ["before", "after"], f"{where}, wanted: before, after", t + 1)
        for (name, got), wanted in zip(seen[t], (before, here)):
            for i, (x, y) in enumerate(zip(got, wanted)):
                yield same(x, y, f"step {t + 1}, hook {name}, parameter {i}", t + 1)
        before = here


@check(
    statement="Clearing the gradients leaves none, or zeros, in every group, a late one too.",
    source="torch.optim.Optimizer.zero_grad, set_to_none",
    catches="""zero_grad_first_group_only zero_grad_forgets_late_group zero_grad_always_none
        zero_grad_of_those_first_cleared zero_grad_times_zero""",
    needs=("zero_grad", "fed", "late_groups", "groups"),
    always=lambda s: late(s)[1:],
)
def gradients_are_cleared(trial: Trial) -> Found:
    problem = trial.problem
    early = [i for i, g in enumerate(problem.groups) if g == 0]
    for to_none in (True, False):
        first = [problem.start[i].copy() for i in early]
        h, groups = problem.hypers[0][0], [0] * len(first)
        run = full(trial.subject.start(first, [h], problem.dtype, groups))
        run.step([np.ones(x.shape) for x in first])
        run.zero_grad(to_none)
        run.add_group([x.copy() for x in problem.start[len(first) :]], problem.hypers[0][1])
        for t in range(2):
            run.step([np.ones(x.shape) for x in problem.start])
            if t and "overwrite" in trial.subject.facts.offers:
                run.overwrite_fed()  # with what a product with 0 leaves as it is
            run.zero_grad(to_none)
            for i, g in enumerate(run.fed()):
                where = f"cleared to {'None' if to_none else 'zeros'}, parameter {i}"
                if g is None or to_none:
                    yield true((g is None) == to_none, f"{where} has {g} for a gradient", t + 1)
                else:
                    yield same(g, np.zeros(problem.shapes[i]), where, t + 1)


@check(
    statement="What is no step leaves a run alone: clearing gradients, showing, looking, hooking.",
    source="law; the path is that of the rule, which is told of steps alone",
    catches="zero_grad_clears_velocity showing_clears_velocity",
    needs=("glances",),
    always=every_form,
)
def only_steps_move_a_run(trial: Trial) -> Found:
    def calls(run: FullRun) -> dict[str, Callable[[], object]]:
        clears = {
            f"zero_grad({'None' if to_none else 'zeros'})": partial(run.zero_grad, to_none)
            for to_none in (True, False)
            if "zero_grad" in trial.subject.facts.offers
        }
        return {**run.glances(), **clears}

    def step(run: FullRun, t: int, fed: Fed, name: str) -> None:
        calls(run)[name]()
        plainly(run, t, fed)

    for name in calls(trial.begin()):
        found = stepped(trial, partial(step, name=name))
        yield from worded(found, f"{name} before each step: ")


@advice(
    statement="A step is a write that the framework knows of: the version of a parameter goes up.",
    source="torch.Tensor._version: a backward pass refuses tensors that were overwritten since",
    catches="writes_without_a_version",
    needs=("versions",),
    always=every_form,
)
def writes_are_counted(trial: Trial) -> Found:
    run = trial.begin()
    before = run.versions()
    for t, *_ in walked(trial, run=run):
        for i, (old, new) in enumerate(zip(before, run.versions())):
            where = f"step {t + 1}, parameter {i}: version {old} before, {new} after"
            yield true(new > old, where, t + 1)
        before = run.versions()
