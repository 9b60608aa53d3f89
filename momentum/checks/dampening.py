"""Dampening: the share of a gradient that the velocity does not take."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from momentum.checks import _given as given
from momentum.checks._check import check
from momentum.checks._paths import alike, feed_of, judged, path, roomy
from momentum.conventions import Convention
from momentum.observation import Measured
from momentum.problems import Problem
from momentum.problems.strategies import Setting, problems
from momentum.subject import Subject


def damped(setting: Setting) -> Sequence[Problem]:
    """Dampening alone, nearly none and nearly all of it, and with everything else on."""
    base = {"lr": 0.3, "momentum": 0.8}
    wanted = (
        {**base, "dampening": 0.35},
        {**base, "dampening": 0.99},
        {**base, "dampening": 1e-3},
        {**base, "momentum": 0.35, "dampening": 0.8, "weight_decay": 0.15},
        given.FULL,
        given.NESTEROV,
    )
    return [given.run(setting, [given.hyper(setting, **w)] * 4) for w in wanted]


@check(
    statement="Dampening holds back its share of the decayed gradient, and of nothing else.",
    source="torch.optim.SGD, algorithm box; bitsandbytes-foundation/bitsandbytes#2085",
    catches=(
        "dampening_never_applied",
        "dampening_twice",
        "dampening_on_velocity",
        "dampening_on_update",
        "dampening_reversed",
        "decay_outside_dampening",
    ),
    needs=("hyper:dampening", "hyper:momentum"),
    always=damped,
    random=lambda s: problems(
        s, steps=(2, 5), with_=("dampening", "momentum"), shapes=((5,), (2, 3))
    ),
)
def dampening_agrees(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    yield from judged(subject, convention, problem)


def half_damped(setting: Setting) -> Sequence[Problem]:
    """Dampening 1/2 with plain momentum, where both can be chosen."""
    h = given.hyper(setting, lr=0.3, momentum=0.8, dampening=0.5)
    able = given.free(setting, "dampening") and not (h.weight_decay or h.nesterov)
    return [given.run(setting, [h] * 6)] if able else []


@check(
    statement="Halving what dampening leaves over and doubling later gradients changes no bit.",
    source="IEEE Std 754-2019, section 4.3: a power of two commutes with rounding",
    catches=("dampening_reversed", "dampening_twice"),
    needs=("hyper:dampening", "hyper:momentum"),
    always=half_damped,
    random=None,
)
def dampening_trades_with_gradients(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    if not roomy(problem) or convention.name not in ("accumulated", "zero_started"):
        return
    feed = feed_of(problem)
    # The first gradient is damped too where the velocity starts at zero; else all of it is kept.
    factors = [1.0 if convention.name == "accumulated" else 2.0] + [2.0] * (problem.steps - 1)
    gradients = [
        [None if g is None else factor * g for g in row]
        for factor, row in zip(factors, feed.gradients)
    ]
    more = replace(feed.with_hypers(lambda h: h._replace(dampening=0.75)), gradients=gradients)
    yield from alike(path(subject, problem, more), path(subject, problem, feed), problem)
