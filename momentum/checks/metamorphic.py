"""Laws between two runs of one subject, true under every convention.

The rules are linear in parameters and gradients together. Two runs may take different ways through
a right implementation, each with its own rounding: they agree within the bounds of both.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import exact
from momentum.checks import _given as given
from momentum.checks._check import Drawn, Found, Problems, Setting, Trial, check, problems, same
from momentum.checks._paths import (
    Change,
    Feed,
    Other,
    bounds,
    crowded,
    feed_of,
    law,
    near,
    path,
    times,
)
from momentum.conventions import Convention, Hyper
from momentum.subjects.protocol import Array

SCALING = "IEEE Std 754-2019, section 4.3; Higham, Accuracy and Stability, 2nd ed., section 2.1"
SCHEDULE = ("lr", "momentum", "dampening", "weight_decay", "nu")


def all_on(setting: Setting) -> Problems:
    """Everything on, plain and with Nesterov's form, and a change of all values in the run."""
    return given.moving(setting, [{}, {}, given.CHANGED, given.CHANGED, {}])


def some(setting: Setting) -> Drawn:
    """Short random runs, with schedules."""
    return problems(setting, steps=(1, 6), schedule=SCHEDULE, kinds=("normal", "from_zero"))


@check(
    statement="Start and gradients times a power of two give the iterates times it.",
    source=SCALING,
    catches="gradient_clipped velocity_clipped gradient_normalised decay_is_constant",
    always=all_on,
    applies=crowded,
)
def scales_by_powers_of_two(trial: Trial) -> Found:
    yield from _mapped(trial, times(2.0**10), times(2.0**-10))


def _mapped(trial: Trial, *changes: Change) -> Found:
    """Start and gradients that are changed lead to iterates that are changed likewise."""
    feed = feed_of(trial.problem)
    yield from law(trial, [Other(feed.mapped(c), c) for c in changes])


@check(
    statement="Start and gradients with the other sign give the iterates with the other sign.",
    source="IEEE Std 754-2019, section 4.3.1: rounding to nearest is symmetric",
    catches="decay_is_constant",
    always=all_on,
    random=some,
)
def turns_with_the_sign(trial: Trial) -> Found:
    yield from _mapped(trial, times(-1.0))


@check(
    statement="A coordinate's path depends on its own start and gradients alone.",
    source="the convention's formula, which has no sum over coordinates",
    catches="gradient_normalised gradient_mean_removed velocity_shared_by_shape velocity_quantised",
    always=lambda s: [replace(p, shapes=((7,), (7,), (3, 6)), groups=(0,) * 3) for p in all_on(s)],
    random=some,
)
def coordinates_are_independent(trial: Trial) -> Found:
    feed = feed_of(trial.problem)

    def other(first: int) -> Other:
        def mine(i: int, x: Array) -> Array:
            return np.where(_chosen(i, x, first), x, 0.0)

        others = feed.mapped(lambda i, x: np.where(_chosen(i, x, first), x, 64.0 - 8.0 * x))
        return Other(others, mine, mine)

    yield from law(trial, map(other, (0, 1)))


def _chosen(i: int, x: Array, first: int) -> NDArray[np.bool_]:
    """Every second element, begun at one or the other from parameter to parameter."""
    return np.asarray((np.arange(x.size).reshape(x.shape) + i) % 2 == first)


def _tradable(trial: Trial) -> str | None:
    """The decay can be doubled."""
    held = trial.subject.facts.fixed.get("weight_decay")
    return f"weight_decay is fixed to {held}" if held else crowded(trial)


@check(
    statement="Half the rate with twice the gradients and twice the decay is the same path.",
    source=SCALING,
    catches="""lr_applied_twice lr_has_floor first_velocity_without_lr decay_times_lr_twice
        nesterov_gradient_without_lr nesterov_velocity_scaled_again""",
    needs=("settable:lr",),
    always=all_on,
    random=some,
    applies=_tradable,
)
def rate_trades_with_gradients(trial: Trial) -> Found:
    feed = feed_of(trial.problem).with_gradients(times(2.0))
    half = feed.with_hypers(lambda h: h._replace(lr=h.lr / 2, weight_decay=2 * h.weight_decay))
    yield from law(trial, [Other(half)])


@check(
    statement="From 0 with gradients of zero nothing moves, whatever the hyper-parameters.",
    source="the convention's formula: linear, so 0 goes to 0",
    catches="decay_is_constant",
    always=all_on,
)
def rests_at_zero(trial: Trial) -> Found:
    still = feed_of(trial.problem).mapped(times(0.0))
    for t, row in enumerate(path(trial, still), 1):
        for i, x in enumerate(row):
            yield same(x, np.zeros_like(x), f"step {t}, parameter {i}", t)


def undamped(setting: Setting) -> Problems:
    """Runs from 0 under constant values, decay included, without dampening."""
    wanted = [{**w, "dampening": 0.0} for w in given.BOTH]
    found = given.steady(setting, wanted, 4, kind="from_zero")
    return [problem for problem in found if not problem.hypers[0][0].dampening]


def _counts(trial: Trial) -> str | None:
    """The rule counts steps: one that waited at 0 takes others after it, in exact numbers."""
    rule = trial.convention
    waits = all(_waits(rule, row[0]) for row in dict.fromkeys(trial.problem.hypers))
    return None if waits else f"convention {rule.name} counts its steps"


def _waits(convention: Convention, h: Hyper) -> bool:
    lifted, zero = h.lifted(exact), exact(0)
    state, waited = convention.initial, convention.initial
    theta = other = zero
    for _ in range(2):
        _, waited = convention.step(zero, zero, waited, lifted)
    for grad in (exact(1), exact(-3), exact(2)):
        theta, state = convention.step(theta, grad, state, lifted)
        other, waited = convention.step(other, grad, waited, lifted)
        if theta != other:
            return False
    return True


@check(
    statement="Waiting at 0 with gradients of zero delays a run and changes nothing else in it.",
    source="the convention's formula at v = 0, x = 0: no step counts but through the velocity",
    catches="lr_decays_secretly first_step_skipped nesterov_skipped_at_first_step",
    always=undamped,
    applies=_counts,
)
def waiting_only_delays(trial: Trial) -> Found:
    feed, problem, wait = feed_of(trial.problem), trial.problem, 3
    zeros: list[list[Array | None]] = [[np.zeros(s) for s in problem.shapes] for _ in range(wait)]
    later = Feed(feed.start, zeros + feed.gradients, [problem.hypers[0]] * wait + feed.hypers)
    got, wanted = path(trial, later)[wait:], path(trial, feed)
    # The larger of the two: a first step may take fewer operations than a later one.
    yield from near(got, wanted, bounds(trial, later)[wait:], problem)
