"""Everything that a training does between its steps, one after the other, in any order."""

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, check
from momentum.checks.late_groups import joined, joining
from momentum.subjects.drive import Fed, plainly
from momentum.subjects.offers import FullRun, full
from momentum.subjects.refusals import Refusals

Between = Callable[[FullRun, int], FullRun | None]
"""A run, and how many parameters it has -> the run that goes on, if it is another one."""


def sequences(setting: Setting) -> Problems:
    """Twelve steps, some without a gradient, with a group that joins after two, where it may."""
    facts = setting.facts
    joins = facts.groups and facts.none_gradients and "late_groups" in facts.offers
    gaps = [(5, 0), (6, 0), (8, 1)] if facts.none_gradients else []
    for seed, wanted in enumerate((*given.BOTH, {"lr": 0.2, "momentum": 0.6, "nu": 0.7})):
        h = given.hyper(setting, **wanted)
        row = (h, given.revised(setting, h, lr=0.2)) if joins else (h,)
        shapes = ((7,), (7,), (3, 5), (7,))
        groups = (0, 0, 1, 1) if joins else (0,) * 4
        problem = given.run(setting, [row] * 12, shapes, groups=groups, missing=gaps, seed=seed)
        late = joined(problem, 2).missing if joins else frozenset()
        yield replace(problem, missing=problem.missing | late)


def _ways(trial: Trial) -> tuple[dict[str, Between], dict[str, Callable[[FullRun, Fed], object]]]:
    """What may stand between two steps, and how a step may be taken, by name."""
    subject, problem = trial.subject, trial.problem
    offers = subject.facts.offers

    def fresh(count: int, groups: int) -> FullRun:
        zeros = [np.zeros(shape) for shape in problem.shapes[:count]]
        members = [g for g in problem.groups[:count] if g < groups]
        hypers = list(problem.hypers[0][:groups])
        run = full(subject.start(zeros[: len(members)], hypers, problem.dtype, members))
        if zeros[len(members) :]:
            run.add_group(zeros[len(members) :], problem.hypers[0][1])
        return run

    def loaded(run: FullRun, new: FullRun) -> FullRun:
        new.load(run.save())
        return new

    def shown(run: FullRun, n: int) -> None:
        for call in run.glances().values():
            call()

    between: dict[str, tuple[str, Between]] = {
        "loaded": ("resume", lambda run, n: loaded(run, fresh(n, problem.groups[n - 1] + 1))),
        "loaded into one that was joined": ("resume", lambda run, n: loaded(run, fresh(n, 1))),
        "loaded into itself": ("resume", lambda run, n: loaded(run, run)),
        "copied": ("deepcopy", lambda run, n: run.duplicate("deepcopy")),
        "pickled": ("pickle", lambda run, n: run.duplicate("pickle")),
        "cleared to None": ("zero_grad", lambda run, n: run.zero_grad(True)),
        "cleared to zeros": ("zero_grad", lambda run, n: run.zero_grad(False)),
        "in other memory": ("rebind", lambda run, n: run.rebind("each")),
        "in one memory": ("rebind", lambda run, n: run.rebind("together")),
        "shown": ("glances", shown),
    }
    taken: dict[str, tuple[str, Callable[[FullRun, Fed], object]]] = {
        "closure": ("closure", lambda run, fed: run.step_closure(fed)),
        "hooked": ("hooks", lambda run, fed: run.hooked_step(fed)),
        "refilled": ("refill", lambda run, fed: run.refill(fed)),
    }
    refusals, h = Refusals(subject), problem.hypers[0][0]
    # What is refused by itself is refused here; that is told where it is asked for alone.
    able = {need for need in offers if refusals.asked(need, h, problem.dtype) is None}
    return (
        {name: way for name, (need, way) in between.items() if need in able},
        {name: way for name, (need, way) in taken.items() if need in able},
    )


@check(
    statement="Saves, copies, late groups and ways to take a step, in any order, leave no trace.",
    source="law; each alone leaves none, so neither do two of them, one after the other",
    catches="load_knows_first_parameters",
    needs=("resume",),
    always=sequences,
)
def any_order_of_calls_agrees(trial: Trial) -> Found:
    problem = trial.problem
    draw = random.Random(problem.seed)
    between, taken = _ways(trial)
    order: list[str] = []
    told = [""] * problem.steps
    known = [problem.groups.count(0)]

    def interrupted(run: FullRun, t: int, count: int) -> FullRun:
        if not order:
            order.extend(draw.sample(sorted(between), len(between)))
        if not order:  # all are refused by themselves: what a step does is left
            return run
        name = order.pop()
        told[t] = f"a group joined, {name}" if count > known[-1] else name
        known.append(count)
        return between[name](run, count) or run

    def step(run: FullRun, t: int, fed: Fed) -> None:
        name = draw.choice(["plain", *sorted(taken)])
        told[t] += f", then a {name} step"
        taken[name](run, fed) if name in taken else plainly(run, t, fed)

    for measured in trial.judged(joining(trial, between=interrupted, step=step)):
        yield measured._replace(where=f"{told[measured.step - 1]}: {measured.where}")
