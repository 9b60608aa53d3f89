"""One gradient, and how the parameter goes on moving: against closed forms, not the rule."""

from momentum.arithmetic import exact, exact_array, nearest
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, check, closed_form
from momentum.checks._paths import against, responds
from momentum.theory import impulse as responses

D2L = "Dive into Deep Learning, section Momentum: weights momentum^i, sum 1 / (1 - momentum)"


def impulses(setting: Setting) -> Problems:
    """Momenta small, usual and dyadic; with dampening; in Nesterov's form."""
    wanted = (
        {"lr": 0.3, "momentum": 0.9, "nu": 0.6},
        {"lr": 0.3, "momentum": 0.35, "dampening": 0.8},
        {"lr": 0.5, "momentum": 0.75, "nesterov": True, "maximize": True},
    )
    return given.steady(setting, wanted, 12, [(3,)], kind="impulse")


@check(
    statement="The response to one gradient decays like the powers of momentum, in closed form.",
    source=D2L,
    catches="""momentum_on_gradient step_with_old_velocity one_minus_momentum_twice
        velocity_reset_every_step velocity_unused_without_nesterov sum_taken_as_average
        average_taken_as_sum velocity_sign_wrong bias_correction_missing
        bias_correction_one_step_late nu_swapped nu_ignored two_point_previous_too_old
        momentum_squared""",
    needs=("closed form:share",),
    always=impulses,
    applies=closed_form(responses.known),
)
def impulse_response_is_closed_form(trial: Trial) -> Found:
    yield from responds(trial, trial.problem.steps)


def long_enough(setting: Setting) -> Problems:
    """One gradient and then zeros, until the rest of the sum is small."""
    wanted = (
        {"lr": 0.3, "momentum": 0.5, "nu": 0.6},
        {"lr": 0.3, "momentum": 0.5, "nesterov": True},
    )
    return given.steady(setting, wanted, 24, [(3,)], kind="impulse")


@check(
    statement="The whole response to one gradient sums up: to rate / (1 - momentum) for sums.",
    source=D2L,
    catches="sum_taken_as_average velocity_reset_every_step nesterov_on_velocity",
    needs=("closed form:total",),
    always=long_enough,
    applies=closed_form(responses.total),
)
def impulse_response_sums_up(trial: Trial) -> Found:
    h, problem, steps = trial.problem.hypers[0][0], trial.problem, trial.problem.steps
    total = responses.total(trial.convention, h)
    assert total is not None
    seen = trial.observe()
    # What is still to come: at most the total times momentum^steps, for a gradient of 1.
    rest = nearest(abs(total) * exact(h.momentum) ** steps)
    for i, name in enumerate(trial.parameters):
        bound = trial.exactly(seen, i).bound[-1] + rest
        truth = exact_array(problem.start[i]) + total * exact_array(seen.fed[0][i])
        where = f"step {steps}, {name}"
        yield against(seen.iterates[-1][i], truth, bound, where, steps, problem.start[i])
