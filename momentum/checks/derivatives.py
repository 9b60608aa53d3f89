"""Steps that are differentiated: learned learning rates and meta-learning go through them."""

import numpy as np

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, advice, check
from momentum.checks._paths import feed_of, worst
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


def by_the_rate(setting: Setting) -> Problems:
    """Without decay, so that the rule is linear in the rate; on numbers that nothing rounds."""
    plain: dict[str, float] = {"lr": 0.5, "momentum": 0.5, "nu": 0.5, "dampening": 0.5}
    more = {"differentiable": True, "tensor_lr": True}
    if given.free(setting, "lr", "momentum"):
        for h in dict.fromkeys(given.hyper(setting, **plain, nesterov=n) for n in (False, True)):
            yield given.run(setting, [h] * 4, SHAPES, kind="ternary", options=more)


@advice(
    statement="A differentiable step has the rule's derivative by a learning rate that is learned.",
    source="torch.optim, differentiable, with a tensor lr; Maclaurin et al. 2015",
    catches="tape_without_rate",
    needs=("differentiable", "tensor_lr"),
    errors_fail=True,
    always=by_the_rate,
)
def differentiates_by_the_rate(trial: Trial) -> Found:
    problem, run = trial.problem, trial.begin()
    list(steps(run, problem.hypers, problem.gradients, problem.start, problem=problem))
    got, (h,) = np.asarray(run.rate_slope()), problem.hypers[0]
    u = format_of(problem.dtype).u
    wanted = bound = 0.0
    for i, start in enumerate(problem.start):
        fed = [row[i] for row in feed_of(problem).gradients]
        # Linear in the rate: the derivative is where a run from 0 goes at the rate 1.
        unit = [h.having(lr=1.0)] * problem.steps
        truth = trial.replay(np.zeros(start.shape), fed, unit, tier="exact")
        wanted += float(np.sum(truth.values[-1]))
        # What the elements moved at each step is summed, in any order.
        moved = float(np.sum(abs(np.diff(truth.values, axis=0, prepend=0.0))))
        bound += float(np.sum(truth.bound[-1])) + truth.values.size * u * moved
    where, step = "the derivative of the sum by the rate", problem.steps
    yield worst(
        abs(got - wanted), np.asarray(bound), where, step, got=got, wanted=np.asarray(wanted)
    )


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
