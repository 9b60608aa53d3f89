"""Closed loops: the gradient depends on the iterate, as it does in a training."""

from flint import fmpq

from momentum.arithmetic import Rounded, exact, exact_array, format_of, nearest
from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, agrees, check, closed_form
from momentum.checks._given import Problems, Setting, problems
from momentum.checks._paths import against
from momentum.theory import impulse as responses
from momentum.theory.quadratic import Method, iterate, recurrence, stability_limit

POLYAK = "Polyak 1964; Lessard, Recht, Packard 2016, proposition 1"


@agrees(
    statement="In a closed loop each step is the convention's, from where the subject really is.",
    source="Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3",
    catches="look_ahead_decays_iterate two_point_previous_too_old look_ahead_not_undone",
    random=lambda s: problems(s, steps=(2, 5), kinds=("quadratic",), shapes=((5,), (2, 3))),
)
def closed_loop_agrees(setting: Setting) -> Problems:
    """Random curvature, everything on, plain and with Nesterov's form."""
    return given.steady(setting, given.BOTH, 6, kind="quadratic")


def around_the_limit(setting: Setting) -> Problems:
    """Rates in the stable range, just below and above its end, and exactly at it."""
    if not given.free(setting, "lr"):
        return
    for nesterov in (False, True) if given.free(setting, "nesterov") else (False,):
        h = given.hyper(setting, momentum=0.5, nesterov=nesterov)
        if h.dampening or h.weight_decay or h.maximize or h.nu != 1 or not 0 <= h.momentum < 1:
            continue
        limit = nearest(stability_limit("nesterov" if h.nesterov else "heavy_ball", h.momentum))
        for part in (0.875, 1.0, 1.125):
            row = [h._replace(lr=part * limit)] * 16
            yield given.run(setting, row, [(3,)], kind="bowl")


@check(
    statement="On x^2 / 2 the iterates follow the closed form, for stable and unstable rates.",
    source=f"{POLYAK}: stable below 2 (1 + momentum), for Nesterov over (1 + 2 momentum)",
    catches="large_lr_capped nesterov_always momentum_on_gradient lr_applied_twice",
    needs=("settable:lr", "closed form:rate"),
    always=around_the_limit,
    applies=closed_form(responses.recurrence),
)
def quadratic_follows_theory(trial: Trial) -> Found:
    h, steps, start = trial.problem.hypers[0][0], trial.problem.steps, trial.problem.start[0]
    found = responses.recurrence(trial.convention, h)
    assert found is not None
    method, rate = found
    seen = trial.observe()
    iterates = [row[0] for row in seen.iterates]
    allowed = trial.exactly(seen, 0).compare(iterates).step.bound
    momentum = exact(h.momentum)
    weight = _echoes(method, rate, momentum, steps, trial.convention.keeps_iterates)
    for t in (*range(1, 6), 9, steps):
        # Every step adds its own rounding to the iterate, which the loop then carries on.
        bound = sum(weight[t - s] * allowed[s - 1] for s in range(1, t + 1))
        truth = exact_array(start) * iterate(method, rate, momentum, 1, exact(1), t)
        yield against(iterates[t - 1], truth, bound, f"step {t}", t, start)


def _echoes(method: Method, rate: fmpq, momentum: fmpq, steps: int, keeps: bool) -> list[float]:
    """What an iterate moved by 1 beside the rule is worth 0, 1, 2, ... steps later.

    The velocity does not feel it, so it goes on like a start; where the rule keeps iterates in
    place of a velocity, it counts as one.
    """
    if not keeps:
        found = [iterate(method, rate, momentum, 1, exact(1), n) for n in range(steps)]
    else:
        a, b = recurrence(method, rate, momentum, 1)
        found = [exact(1), a]
        while len(found) < steps:
            found.append(a * found[-1] - b * found[-2])
    return [abs(nearest(x)) for x in found]


def with_other_momenta(setting: Setting) -> Problems:
    """The same, and runs in which momentum changes: the point is ahead by that of its own step.

    A program tells its point with its last answer, before it hears of another momentum.
    """
    yield from closed_loop_agrees(setting)
    if setting.facts.at_once:
        return
    momenta = ({"momentum": m} for m in (0.8, 0.5, 0.9, 0.9, 0.3))
    yield from given.moving(setting, momenta, kind="quadratic")


@check(
    statement="The gradient is taken where the convention says: at the point ahead of the iterate.",
    source="Sutskever, Martens, Dahl, Hinton 2013, equations 3 and 4",
    catches="look_ahead_point_unshifted look_ahead_too_far look_ahead_by_the_last_momentum",
    needs=("point",),
    always=with_other_momenta,
)
def gradient_is_taken_at_its_point(trial: Trial) -> Found:
    bowl, rule = trial.on(kind="bowl"), trial.convention
    seen = bowl.observe()
    format = format_of(trial.subject.facts.format_name(trial.problem.dtype))
    for i, name in enumerate(bowl.parameters):
        theta, state = Rounded.of(bowl.problem.start[i], format), rule.initial
        for t, row in enumerate(bowl.problem.hypers):
            lifted = row[bowl.problem.groups[i]].lifted(lambda x: Rounded.of(x, format))
            point = rule.gradient_point(theta, state, lifted).stored()
            fed = seen.fed[t][i]
            assert fed is not None
            where = f"before step {t + 1}, {name}"
            yield against(fed, exact_array(point.value), point.error, where, t + 1)
            _, state = rule.step(theta, Rounded.of(fed, format), state, lifted)
            state = type(state)(*(x.stored() if isinstance(x, Rounded) else x for x in state))
            theta = Rounded.of(seen.iterates[t][i], format)
