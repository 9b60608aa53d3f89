"""Nesterov's form."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, agrees, check, true
from momentum.checks._paths import exactly, judged, worst
from momentum.conventions import Convention
from momentum.subjects.drive import begin, observe
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Subject

BENGIO = "Bengio, Boulanger-Lewandowski, Pascanu 2013, Advances in optimizing recurrent networks"


@agrees(
    statement="Nesterov's form agrees with the exact trajectory, alone and with all else on.",
    source=f"{BENGIO}, section 3.5, equations 6 and 7; pytorch/pytorch#5920; apache/mxnet#13683",
    catches=(
        "nesterov_ignored nesterov_sign nesterov_on_velocity nesterov_without_decay "
        "nesterov_velocity_twice nesterov_with_old_velocity nesterov_dampens_gradient "
        "maximize_ignored_with_nesterov"
    ),
    needs=("hyper:nesterov",),
    every_dtype=True,
)
def nesterov_agrees(setting: Setting) -> Sequence[Problem]:
    """Nesterov's form alone, with decay, with decay while maximizing, with all that goes along."""
    base = {"lr": 0.3, "momentum": 0.8, "nesterov": True}
    wanted = (base, {**base, "weight_decay": 0.15}, given.NESTEROV)
    return given.steady(setting, wanted, 4)


@agrees(
    statement="Nesterov's form agrees in all combinations with decay, dampening and schedules.",
    source=f"{BENGIO}, section 3.5; apache/mxnet#15543",
    catches="nesterov_on_moved_parameter nesterov_gradient_without_lr",
    needs=("hyper:nesterov",),
    random=lambda s: problems(
        s, steps=(2, 6), schedule=("lr", "momentum"), with_=("nesterov",), shapes=((5,), (3, 2))
    ),
)
def nesterov_agrees_in_combinations(setting: Setting) -> Sequence[Problem]:
    """None but what is drawn."""
    return ()


def without_momentum(setting: Setting) -> Sequence[Problem]:
    """Nesterov's form with momentum 0."""
    h = given.hyper(setting, lr=0.3, momentum=0.8, nesterov=True, weight_decay=0.15)
    able = given.free(setting, "momentum", "nesterov") and not h.dampening
    return [given.run(setting, [h._replace(momentum=0.0)] * 3)] if able else []


@check(
    statement="Nesterov's form without momentum is refused at the start, or is gradient descent.",
    source="torch/optim#84: no velocity where momentum is 0; torch.optim.SGD refuses it",
    catches="nesterov_needs_velocity",
    needs=("hyper:nesterov",),
    always=without_momentum,
)
def nesterov_without_momentum_is_plain(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    try:
        begin(subject, problem)
    except ValueError:
        yield true(True, "refused at the start")
        return
    yield from judged(subject, convention, problem)


def plain_nesterov(setting: Setting) -> Sequence[Problem]:
    """Nesterov's form without decay and dampening; nothing where it cannot be switched off."""
    if not given.free(setting, "nesterov"):
        return []
    w = {"lr": 0.3, "momentum": 0.8, "nesterov": True}
    hypers = [given.hyper(setting, **w), given.hyper(setting, **w, maximize=True)]
    return [
        given.run(setting, [h] * 5, kind="from_zero")
        for h in hypers
        if not h.weight_decay and not h.dampening
    ]


@check(
    statement="Nesterov's iterate is heavy ball's, extrapolated: y = x + momentum (x - last x).",
    source=f"Sutskever et al. 2013, section 2.1; {BENGIO}, section 3.5 (change of variables)",
    catches="nesterov_always nesterov_updates_velocity_with_update",
    needs=("hyper:nesterov",),
    always=plain_nesterov,
)
def nesterov_is_extrapolated_heavy_ball(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    plain = tuple((row[0]._replace(nesterov=False),) for row in problem.hypers)
    y = observe(subject, problem)
    x = observe(subject, replace(problem, hypers=plain))
    momentum = float(problem.hypers[0][0].momentum)
    for i, shape in enumerate(problem.shapes):
        bounds = [exactly(subject, convention, seen, i).bound for seen in (y, x)]
        last, last_bound = problem.start[i], np.zeros(shape)
        for t in range(problem.steps):
            here = x.iterates[t][i]
            with np.errstate(all="ignore"):
                error = abs(y.iterates[t][i] - (here + momentum * (here - last)))
                bound = bounds[0][t] + (1 + momentum) * bounds[1][t] + momentum * last_bound
                # The comparison itself is made in float64.
                bound = bound + 2.0**-50 * (abs(here) + abs(last) + abs(y.iterates[t][i]))
            last, last_bound = here, bounds[1][t]
            where = f"step {t + 1}, parameter {i} of shape {shape}"
            yield worst(error, bound, where, t + 1, "two runs")
