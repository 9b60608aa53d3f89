"""The closed forms of the checks against the rules, both in exact arithmetic.

They were written from theory and from the frameworks' sources: two texts that must agree.
"""

from itertools import pairwise

import pytest

from momentum.arithmetic import exact
from momentum.conventions import CONVENTIONS, Hyper
from momentum.theory import impulse as responses
from momentum.theory.quadratic import iterate

STEPS = 7


def hypers(convention):
    base = Hyper(exact(0.3), exact(0.8))
    found = [base, base._replace(maximize=True), base._replace(momentum=exact(0))]
    if "dampening" in convention.takes:
        found.append(base._replace(dampening=exact(0.35)))
    if "nu" in convention.takes:
        found.append(base._replace(nu=exact(0.6)))
    if "nesterov" in convention.takes:
        found.append(base._replace(nesterov=True))
    if {"nesterov", "dampening"} <= convention.takes:
        found.append(base._replace(nesterov=True, dampening=exact(0.35)))
    return found


CASES = [
    pytest.param(c, h, id=f"{c.name}-{k}")
    for c in CONVENTIONS.values()
    for k, h in enumerate(hypers(c))
]


def walked(convention, h, gradients, theta=0):
    theta, state, seen = exact(theta), convention.initial, []
    for grad in gradients:
        theta, state = convention.step(theta, exact(grad), state, h)
        seen.append(theta)
    return seen


@pytest.mark.parametrize(("convention", "h"), CASES)
@pytest.mark.parametrize("born", [1, 2, 4])
def test_impulse_is_what_the_rule_makes_of_one_gradient(convention, h, born):
    gradients = [1 if t == born else 0 for t in range(1, STEPS + 1)]
    assert responses.impulse(convention, h, born, STEPS) == walked(convention, h, gradients)


@pytest.mark.parametrize(("convention", "h"), CASES)
def test_total_is_the_limit_of_the_impulse_response(convention, h):
    total = responses.total(convention, h)
    if convention.name == "averaged_debiased":
        assert total is None
        return
    gaps = [abs(total - x) for x in responses.impulse(convention, h, 1, STEPS)]
    # What is missing shrinks by momentum each step, from the second on.
    assert all(b == h.momentum * a for a, b in pairwise(gaps[1:]))
    assert gaps[-1] <= abs(total) * h.momentum**STEPS


@pytest.mark.parametrize(("convention", "h"), CASES)
def test_speed_is_the_limit_of_steps_under_a_constant_gradient(convention, h):
    speed = responses.speed(convention, h)
    path = walked(convention, h, [1] * STEPS)
    gaps = [abs(b - a - speed) for a, b in pairwise(path)]
    assert all(b == h.momentum * a for a, b in pairwise(gaps))
    most = h.lr * h.momentum ** (STEPS - 1) * (1 + 1 / (1 - h.momentum))
    assert gaps[-1] <= most


LOOPS = [case for case in CASES if responses.recurrence(*case.values) is not None]


@pytest.mark.parametrize(("convention", "h"), LOOPS)
def test_recurrence_is_the_closed_loop_on_a_parabola(convention, h):
    method, rate = responses.recurrence(convention, h)
    theta, state = exact(1), convention.initial
    for t in range(1, STEPS + 1):
        theta, state = convention.step(theta, theta, state, h)
        assert theta == iterate(method, rate, h.momentum, 1, exact(1), t)
