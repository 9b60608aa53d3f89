"""Steps that are differentiated: learned learning rates and meta-learning go through them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.checks._paths import worst
from momentum.conventions import Convention
from momentum.oracle.replay import replay_steps
from momentum.subjects.drive import begin, read
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
            wanted, bound = (np.broadcast_to(x[-1], got.shape) for x in (truth.values, truth.bound))
            where = f"step {problem.steps} by the gradient of step {t + 1}, parameter {i}"
            yield worst(abs(got - wanted), bound, where, t + 1, got=got, wanted=wanted)
