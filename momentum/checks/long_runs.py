"""Many steps: defects that begin late, momentum near 1, sums that reach their limit."""

import numpy as np

from momentum.arithmetic import exact, nearest
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check, closed_form
from momentum.checks._paths import worst
from momentum.theory import impulse as responses

STEPS = {"quick": 300, "normal": 1100, "deep": 5000}
HIGHAM = "Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3"


@agrees(
    statement="Hundreds of steps later each step is still exactly the convention's.",
    source=HIGHAM,
    catches="""momentum_lost_after_50_steps velocity_restarts_every_64_steps
        counter_wraps_at_256 lr_decays_secretly velocity_stalls momentum_capped
        small_velocity_flushed_at_times""",
)
def long_runs_agree(setting: Setting) -> Problems:
    """Plain momentum near 1, from 0, at two sizes; the rate and the momentum change late."""
    steps = STEPS[setting.effort]
    h = given.hyper(setting, lr=0.03, momentum=1 - 2.0**-7, dampening=0.1, nu=0.6)
    late = given.changed(setting, h, lr=0.01, momentum=0.95)
    rows = [h] * (steps - 20) + [late] * 20
    return [given.run(setting, rows, [(3,)], kind=kind) for kind in ("from_zero", "faint")]


@agrees(
    statement="Each of hundreds of steps has a learning rate of its own.",
    source="law; a table of what was made for a rate has an end, a schedule of rates has none",
    catches="rates_kept_up_to_64",
    needs=("settable:lr",),
)
def every_step_has_its_rate(setting: Setting) -> Problems:
    """A rate that falls at every step, from 0."""
    h = given.hyper(setting, lr=0.3, momentum=0.8, nu=0.6)
    rows = [given.changed(setting, h, lr=2.4 / (8 + t)) for t in range(STEPS["quick"])]
    return [given.run(setting, rows, [(3,)], kind="from_zero")]


@agrees(
    statement="Momentum near 1, at 1 and near 0 counts as it is.",
    source="Sutskever, Martens, Dahl, Hinton 2013, section 3: momenta up to 0.999",
    catches="momentum_capped hyper_in_half",
    needs=("hyper:momentum",),
)
def momentum_near_one_agrees(setting: Setting) -> Problems:
    """Momenta from 0.96 to 1 - 2^-20, near 0, and 1 itself in a run."""
    momenta = (0.96, 1 - 2.0**-7, 0.9999, 1 - 2.0**-20, 1e-3)
    rows = [given.hyper(setting, lr=0.3, momentum=m, nu=0.9) for m in momenta]
    rows += [given.hyper(setting, lr=0.3, momentum=1 - 2.0**-7, nesterov=True)]
    half = given.hyper(setting, lr=0.3, momentum=0.5, nu=0.9)
    one = [half] * 2 + [given.changed(setting, half, momentum=1.0)] * 3
    runs = [*([h] * 5 for h in rows), one]
    return [given.run(setting, run, [(5,)], kind="from_zero") for run in runs]


def constant(setting: Setting) -> Problems:
    """The same gradient at every step, until the velocity has reached its limit."""
    w = {"lr": 0.25, "momentum": 0.75, "dampening": 0.25, "nu": 0.5}
    wanted = (w, {**w, "nesterov": True, "maximize": True})
    return given.steady(setting, wanted, 32, [(3,)], kind="constant")


@check(
    statement="Under a constant gradient the steps tend to rate times 1 / (1 - momentum), or 1.",
    source="Dive into Deep Learning, section Momentum: the effective rate; ooples/AiDotNet#2008",
    catches="momentum_on_gradient velocity_clipped sum_taken_as_average",
    needs=("hyper:momentum", "closed form:speed"),
    always=constant,
    applies=closed_form(responses.speed),
)
def constant_gradient_reaches_its_speed(trial: Trial) -> Found:
    h, steps = trial.problem.hypers[0][0], trial.problem.steps
    speed = responses.speed(trial.convention, h)
    assert speed is not None
    seen = trial.observe()
    iterates = [row[0] for row in seen.iterates]
    bound = trial.exactly(seen, 0).compare(iterates).step.bound[-1]
    # What the velocity still lacks, first step undamped or not, in every form at most this much.
    momentum = exact(h.momentum)
    lack = nearest(exact(h.lr) * momentum ** (steps - 1) * (1 + 1 / (1 - momentum)))
    with np.errstate(all="ignore"):
        moved = iterates[-1] - iterates[-2]
        error = np.abs(moved - nearest(speed) * np.asarray(seen.fed[-1][0]))
    allowed = bound + lack + 2.0**-50 * (np.abs(iterates[-1]) + 1)
    yield worst(error, allowed, f"step {steps}, parameter 0", steps, "two steps")
