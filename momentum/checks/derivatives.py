"""Steps that are differentiated: learned learning rates and meta-learning go through them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.conventions import Convention
from momentum.oracle.replay import replay_steps
from momentum.subjects.drive import begin, read
from momentum.subjects.judge import Measured
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import Subject

TORCH = "torch.optim, differentiable; the rule is linear in the gradients"
SHAPES = ((5,), (2, 3))


def recorded(setting: Setting) -> Sequence[Problem]:
    """Four steps; powers of two, so that neither way through the graph has to round."""
    plain: dict[str, Any] = {"lr": 0.5, "momentum": 0.5, "nu": 0.5}
    full = {**plain, "dampening": 0.5, "weight_decay": 0.25, "maximize": True}
    wanted = (plain, full, {**full, "nesterov": True})
    rows = dict.fromkeys(_given.hyper(setting, **w) for w in wanted)
    options = (("differentiable", True),)
    return [
        Problem(setting.dtype, SHAPES, ((row,),) * 4, (0, 0), seed=1, options=options)
        for row in rows
        if _given.free(setting, "lr", "momentum")
    ]


@check(
    statement="A differentiable step has the rule's derivative by every gradient after the first.",
    source=TORCH,
    catches="tape_loses_velocity",
    needs=("differentiable",),
    errors_fail=True,
    always=recorded,
)
def differentiates_the_rule(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _slopes(subject, convention, problem, range(1, problem.steps))


@check(
    statement="A differentiable step has the rule's derivative by the first gradient too.",
    source=TORCH,
    catches="tape_without_first_gradient",
    level="should",
    needs=("differentiable",),
    errors_fail=True,
    always=recorded,
)
def differentiates_the_first_step(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from _slopes(subject, convention, problem, range(1))


def _slopes(subject: Subject, convention: Convention, problem: Problem, times: range) -> Found:
    """A derivative by a gradient is where the rule goes from 0, fed that gradient as 1 alone."""
    run, here = begin(subject, problem), problem.start
    for t in range(problem.steps):
        run.step(problem.gradients(t, here))
        here = read(run, problem, t + 1)
    slopes = run.slopes()
    hypers = [row[0] for row in problem.hypers]
    for t in times:
        fed = [np.ones(1) if s == t else np.zeros(1) for s in range(problem.steps)]
        dtype = subject.facts.format_name(problem.dtype)
        truth = replay_steps(convention, np.zeros(1), fed, hypers, dtype=dtype)
        for i, got in enumerate(slopes[t]):
            gap = abs(got - truth.values[-1])
            k = np.unravel_index(int(np.argmax(gap)), gap.shape)
            where = f"step {problem.steps}, parameter {i} by its gradient of step {t + 1}"
            where += f": {got[k]:.9g}, wanted {truth.values[-1, 0]:.9g}"
            yield Measured(float(gap[k]), float(truth.bound[-1, 0]), where, t + 1)
