"""The hyper-parameters that a step asks for, worked out by hand: y' = y - P g - Q v."""

import math

import pytest
from flint import fmpq

from momentum.arithmetic.near import Near
from momentum.arithmetic.surd import Surd
from momentum.conventions import CONVENTIONS, Hyper
from momentum.conventions._inverse import (
    Wanted,
    averaging,
    nesterov_averaging,
    nesterov_outside,
    outside,
    roots,
)

NONE, HALF, THIRD = fmpq(0), fmpq(1, 2), fmpq(1, 3)


def wanted(P, Q, mu=None, kappa=None, momentum=HALF, lr=THIRD, dampening=NONE, **more):
    like = Hyper(lr, momentum, dampening)
    rest = {"weight": 0, "first": False, "held": None, "surds": [], "radical": None, "heights": 0}
    Q = None if Q is None else fmpq(Q)
    return Wanted(fmpq(P), Q, mu, kappa, like, momentum, **(rest | more))


def told(found):
    return [(f.lr, f.momentum, f.keep) for f in found]


@pytest.mark.parametrize(
    ("P", "Q", "momentum", "answers"),
    [
        (3, None, HALF, [(6, HALF, 1)]),  # lr (1 - m) = 3
        (3, None, fmpq(1), [(3, 0, 1)]),
        (3, 1, HALF, [(4, fmpq(1, 4), 1)]),  # lr = P + Q
        (3, -3, HALF, []),
        (0, 0, HALF, [(0, HALF, 1)]),
    ],
)
def test_an_average_is_solved_by_its_rate_and_share(P, Q, momentum, answers):
    assert told(averaging(wanted(P, Q, momentum=momentum))) == answers


@pytest.mark.parametrize(
    ("P", "Q", "momentum", "answers"),
    [
        (3, None, HALF, [(4, HALF, 1)]),  # lr (1 - m^2) = 3
        (0, None, HALF, [(0, HALF, 1), (0, 1, 1)]),
        (0, None, fmpq(1), [(0, 1, 1)]),
        (0, 1, HALF, [(1, 1, 1), (1, -1, 1)]),  # m^2 = 1
        (3, 1, HALF, [(4, HALF, 1), (4, -HALF, 1)]),  # m^2 = Q / (P + Q)
        (0, 0, HALF, [(0, HALF, 1)]),
        (3, -3, HALF, []),
    ],
)
def test_an_average_in_nesterovs_form_is_solved_by_a_root(P, Q, momentum, answers):
    assert told(nesterov_averaging(wanted(P, Q, momentum=momentum))) == answers


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize(("P", "Q"), [(3, 1), (-3, 1), (3, None), (3, 0)])
def test_a_sum_is_solved_by_the_weight_of_the_gradient(P, Q, free):
    answers = [(P, HALF if Q is None else fmpq(Q, P), 1)]
    assert told(outside(wanted(P, Q), free)) == answers
    # The source's rate, if there is a dampening to make up for it.
    kept = [(THIRD, HALF if Q is None else Q / THIRD, P / THIRD)] if free else []
    assert told(outside(wanted(P, Q, dampening=HALF), free)) == kept + answers
    assert told(outside(wanted(P, Q, dampening=HALF, lr=fmpq(0)), free)) == answers


@pytest.mark.parametrize("solve", [outside, nesterov_outside])
@pytest.mark.parametrize(
    ("mu", "kappa", "momentum", "answers", "more"),
    [
        (None, None, HALF, [(0, HALF, 1)], [(0, HALF, 0)]),  # nothing is remembered
        (None, fmpq(2), HALF, [(0, HALF, 1)], []),
        (fmpq(3), fmpq(2), HALF, [(0, fmpq(3, 2), 1)], []),
        (fmpq(3), fmpq(0), HALF, [], [(0, HALF, 0)]),  # the gradient is not
        (fmpq(3), fmpq(0), fmpq(0), [], [(0, 1, 0)]),
    ],
)
def test_a_parameter_that_stands_still_has_no_rate(solve, mu, kappa, momentum, answers, more):
    still = wanted(0, 0, mu, kappa, momentum=momentum)
    assert told(solve(still, False))[: len(answers)] == answers
    assert told(solve(still, True))[: len(answers + more)] == answers + more


def test_a_velocity_alone_takes_no_gradient():
    assert told(outside(wanted(0, 3), False)) == []
    assert told(outside(wanted(0, 3), True)) == [(6, HALF, 0)]
    assert told(outside(wanted(0, 3, momentum=fmpq(0)), True)) == [(3, 1, 0)]
    # m^2 P = Q (1 + m) at P = 0: m = -1.
    assert told(nesterov_outside(wanted(0, 3), False)) == [(3, -1, 1)] * 2


def test_roots_are_both_exact_or_on_record():
    assert roots(fmpq(9, 4), wanted(1, 1)) == (fmpq(3, 2), fmpq(-3, 2))
    assert roots(fmpq(0), wanted(1, 1)) == (0,)
    refused = wanted(1, 1, surds=[])
    assert roots(fmpq(2), refused) == roots(fmpq(-4), refused) == ()
    assert refused.surds == [2, -4]


def test_roots_that_there_are_not_are_made_as_high_as_they_may_be():
    one = wanted(1, 1, surds=[], heights=1)
    for x in (fmpq(2), fmpq(1, 2)):
        root, other = roots(x, one)
        assert isinstance(root, Surd)
        assert root * root == x
        assert root + other == 0
    assert roots(fmpq(3), one._replace(radical=root.radical)) == ()
    assert roots(fmpq(-2), one) == ()
    near, _ = roots(fmpq(2), one._replace(heights=math.inf))
    assert isinstance(near, Near)
    assert near * near == 2


@pytest.mark.parametrize(("mu", "kappa"), [(None, fmpq(2)), (fmpq(3), NONE), (NONE, fmpq(2))])
def test_nesterovs_form_without_a_free_dampening_needs_a_proportion(mu, kappa):
    assert told(nesterov_outside(wanted(3, 1, mu, kappa), False)) == []


def test_conventions_say_what_their_velocity_starts_with_and_whether_it_scales_by_itself():
    every = [(name, c.inverse) for name, c in CONVENTIONS.items() if c.inverse]
    assert {name for name, inverse in every if inverse.scale and inverse.scale.standing} == {
        "averaged"
    }
    assert {name for name, inverse in every if inverse.seeded} == {"accumulated"}


def solved(name, asked, nesterov=False):
    return [(f.lr, f.momentum) for f in CONVENTIONS[name].inverse.solve(asked, nesterov, False)]


def test_a_debiased_average_is_solved_with_the_sum_of_its_weights():
    """W = 1/2 becomes 3/4 at m = 1/2; 3 (v / 2 + d / 2) / (3/4) is 2 v + 2 d."""
    assert solved("averaged_debiased", wanted(2, 2, weight=HALF)) == [(3, HALF)]
    # The first step of all: v' / W' is the gradient, whatever m.
    assert solved("averaged_debiased", wanted(2, None, weight=NONE)) == [(2, HALF)]


def test_a_quasi_hyperbolic_step_takes_no_velocity_without_momentum():
    assert solved("quasi_hyperbolic", wanted(0, 3, NONE, fmpq(2))) == []
    assert solved("quasi_hyperbolic", wanted(3, 0, NONE, fmpq(2))) == [(3, 0)]
    assert solved("quasi_hyperbolic", wanted(3, -3)) == []
    assert solved("quasi_hyperbolic", wanted(0, 0)) == [(0, HALF)]


@pytest.mark.parametrize(("m", "answers"), [(fmpq(-1), []), (fmpq(-2), [(-3, -2)])])
def test_a_scaled_first_step_in_nesterovs_form_has_no_rate_at_momentum_of_minus_one(m, answers):
    """y' = y - lr (1 + m) d."""
    assert solved("scaled", wanted(3, None, momentum=m), nesterov=True) == answers


def test_a_scaled_step_in_nesterovs_form_takes_its_rate_from_what_is_remembered():
    """At momentum -1, v' = -v + lr d and y' = y - lr d + v' = y - v: no gradient moves y."""
    assert solved("scaled", wanted(0, 1, fmpq(-1), THIRD), nesterov=True) == [(THIRD, -1)]
