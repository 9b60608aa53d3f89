"""Nesterov's form."""

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check, problems, true
from momentum.checks._paths import worst

BENGIO = "Bengio, Boulanger-Lewandowski, Pascanu 2013, Advances in optimizing recurrent networks"


@agrees(
    statement="Nesterov's form agrees with the exact trajectory, alone and with all else on.",
    source=f"{BENGIO}, section 3.5, equations 6 and 7; pytorch/pytorch#5920; apache/mxnet#13683",
    catches="""nesterov_ignored nesterov_sign nesterov_on_velocity nesterov_without_decay
        nesterov_velocity_twice nesterov_with_old_velocity nesterov_dampens_gradient
        maximize_ignored_with_nesterov""",
    needs=("hyper:nesterov",),
    every_dtype=True,
)
def nesterov_agrees(setting: Setting) -> Problems:
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
def nesterov_agrees_in_combinations(setting: Setting) -> Problems:
    """None but what is drawn."""
    return ()


def without_momentum(setting: Setting) -> Problems:
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
def nesterov_without_momentum_is_plain(trial: Trial) -> Found:
    try:
        trial.begin()
    except ValueError:
        yield true(True, "refused at the start")
        return
    yield from trial.judged()


def plain_nesterov(setting: Setting) -> Problems:
    """Nesterov's form without decay and dampening; nothing where it cannot be switched off."""
    w = {"lr": 0.3, "momentum": 0.8, "nesterov": True}
    for h in (given.hyper(setting, **w), given.hyper(setting, **w, maximize=True)):
        if given.free(setting, "nesterov") and not h.weight_decay and not h.dampening:
            yield given.run(setting, [h] * 5, kind="from_zero")


@check(
    statement="Nesterov's iterate is heavy ball's, extrapolated: y = x + momentum (x - last x).",
    source=f"Sutskever et al. 2013, section 2.1; {BENGIO}, section 3.5 (change of variables)",
    catches="nesterov_always nesterov_updates_velocity_with_update",
    needs=("hyper:nesterov",),
    always=plain_nesterov,
)
def nesterov_is_extrapolated_heavy_ball(trial: Trial) -> Found:
    problem = trial.problem
    plain = tuple((row[0]._replace(nesterov=False),) for row in problem.hypers)
    y, x = trial.observe(), trial.on(hypers=plain).observe()
    momentum = float(problem.hypers[0][0].momentum)
    for i, name in enumerate(trial.parameters):
        of_y, of_x = (trial.exactly(seen, i).bound for seen in (y, x))
        last, last_bound = problem.start[i], np.zeros(problem.shapes[i])
        for t in range(problem.steps):
            here = x.iterates[t][i]
            with np.errstate(all="ignore"):
                error = abs(y.iterates[t][i] - (here + momentum * (here - last)))
                bound = of_y[t] + (1 + momentum) * of_x[t] + momentum * last_bound
                # The comparison itself is made in float64.
                bound = bound + 2.0**-50 * (abs(here) + abs(last) + abs(y.iterates[t][i]))
            last, last_bound = here, of_x[t]
            yield worst(error, bound, f"step {t + 1}, {name}", t + 1, "two runs")
