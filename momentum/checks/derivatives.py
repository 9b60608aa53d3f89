"""Steps that are differentiated: learned learning rates and meta-learning go through them."""

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, advice, check
from momentum.checks._paths import worst
from momentum.subjects.drive import steps

TORCH = "torch.optim, differentiable; the rule is linear in the gradients"
SHAPES = ((5,), (2, 3))


def recorded(setting: Setting) -> Problems:
    """Four steps; powers of two, so that neither way through the graph has to round."""
    plain: dict[str, float] = {"lr": 0.5, "momentum": 0.5, "nu": 0.5}
    full = {**plain, "dampening": 0.5, "weight_decay": 0.25, "maximize": True}
    wanted = (plain, full, {**full, "nesterov": True})
    if given.free(setting, "lr", "momentum"):
        for h in dict.fromkeys(given.hyper(setting, **w) for w in wanted):
            yield given.run(setting, [h] * 4, SHAPES, options={"differentiable": True})


@check(
    statement="A differentiable step has the rule's derivative by every gradient after the first.",
    source=TORCH,
    catches="tape_loses_velocity",
    needs=("differentiable",),
    errors_fail=True,
    always=recorded,
)
def differentiates_the_rule(trial: Trial) -> Found:
    yield from _slopes(trial, range(1, trial.problem.steps))


@advice(
    statement="A differentiable step has the rule's derivative by the first gradient too.",
    source=TORCH,
    catches="tape_without_first_gradient",
    needs=("differentiable",),
    errors_fail=True,
    always=recorded,
)
def differentiates_the_first_step(trial: Trial) -> Found:
    yield from _slopes(trial, range(1))


def _slopes(trial: Trial, times: range) -> Found:
    """A derivative by a gradient is where the rule goes from 0, fed that gradient as 1 alone."""
    problem, run = trial.problem, trial.begin()
    list(steps(run, problem.hypers, problem.gradients, problem.start, problem=problem))
    slopes, hypers = run.slopes(), [row[0] for row in problem.hypers]
    for t in times:
        fed = [np.ones(1) if s == t else np.zeros(1) for s in range(problem.steps)]
        truth = trial.replay(np.zeros(1), fed, hypers, tier="exact")
        for i, got in enumerate(slopes[t]):
            wanted, bound = (np.broadcast_to(x[-1], got.shape) for x in (truth.values, truth.bound))
            where = f"step {problem.steps} by the gradient of step {t + 1}, parameter {i}"
            yield worst(abs(got - wanted), bound, where, t + 1, got=got, wanted=wanted)
