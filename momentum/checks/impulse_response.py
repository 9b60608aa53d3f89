"""One gradient, and how the parameter goes on moving: against closed forms, not the rule."""

from collections.abc import Sequence

from momentum.arithmetic import exact, exact_array, nearest
from momentum.checks import _given as given
from momentum.checks._check import Found, check, closed_form
from momentum.checks._paths import against, exactly
from momentum.conventions import Convention
from momentum.subjects.drive import observe
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import Subject
from momentum.theory import impulse as responses

D2L = "Dive into Deep Learning, section Momentum: weights momentum^i, sum 1 / (1 - momentum)"


def impulses(setting: Setting) -> Sequence[Problem]:
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
    catches=(
        "momentum_on_gradient step_with_old_velocity one_minus_momentum_twice "
        "velocity_reset_every_step velocity_unused_without_nesterov sum_taken_as_average "
        "average_taken_as_sum velocity_sign_wrong bias_correction_missing "
        "bias_correction_one_step_late nu_swapped nu_ignored two_point_previous_too_old "
        "momentum_squared"
    ),
    needs=("closed form:share",),
    always=impulses,
    applies=closed_form(responses.known),
)
def impulse_response_is_closed_form(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    h = problem.hypers[0][0]
    observation = observe(subject, problem)
    displaced = responses.impulse(convention, h, 1, problem.steps)
    for i, shape in enumerate(problem.shapes):
        bounds = exactly(subject, convention, observation, i).bound
        start, grad = exact_array(problem.start[i]), exact_array(observation.fed[0][i])
        for t, moved in enumerate(displaced, 1):
            got = observation.iterates[t - 1][i]
            where = f"step {t}, parameter {i} of shape {shape}"
            truth = start + moved * grad
            yield against(got, truth, bounds[t - 1], where, t, problem.start[i])


def long_enough(setting: Setting) -> Sequence[Problem]:
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
def impulse_response_sums_up(subject: Subject, convention: Convention, problem: Problem) -> Found:
    h = problem.hypers[0][0]
    total = responses.total(convention, h)
    assert total is not None
    observation = observe(subject, problem)
    steps = problem.steps
    # What is still to come: at most the total times momentum^steps, for a gradient of 1.
    rest = nearest(abs(total) * exact(h.momentum) ** steps)
    for i, shape in enumerate(problem.shapes):
        bound = exactly(subject, convention, observation, i).bound[-1] + rest
        truth = exact_array(problem.start[i]) + total * exact_array(observation.fed[0][i])
        where = f"step {steps}, parameter {i} of shape {shape}"
        yield against(observation.iterates[-1][i], truth, bound, where, steps, problem.start[i])
