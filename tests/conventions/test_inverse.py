"""A rule solved for its hyper-parameters: what a convention does itself, it is told to do."""

import random
from itertools import product

import pytest
from flint import fmpq

from momentum.conventions import CONVENTIONS, Found, Hyper, State
from momentum.conventions._inverse import Wanted, nesterov_averaging

PLAIN = ("accumulated", "zero_started", "scaled", "averaged", "quasi_hyperbolic")
"""The conventions with one velocity, whose steps do not depend on their number."""

FORMS = [
    (name, nesterov, free)
    for name, nesterov, free in product(PLAIN, (False, True), (False, True))
    if (not nesterov or "nesterov" in CONVENTIONS[name].takes)
    and (not free or "dampening" in CONVENTIONS[name].takes)
]


def coefficients(name, h):
    """P, Q, m and k of y' = -P g - Q v, v' = m v + k g, by taking steps from 0 and 1."""
    zero, one = fmpq(0), fmpq(1)
    rule = CONVENTIONS[name].rule
    from_grad, by_grad = rule(zero, one, State(3, zero), h)
    from_velocity, kept = rule(zero, zero, State(3, one), h)
    return -from_grad, -from_velocity, kept.v, by_grad.v


def drawn(rng, name, nesterov, free, **fixed):
    """Hyper-parameters with numbers of few digits, in no simple proportion."""
    part = lambda: fmpq(rng.choice([1, 2, 3, 5, 7]), rng.choice([8, 9, 11]))  # noqa: E731
    nu = part() if "nu" in CONVENTIONS[name].takes else fmpq(1)
    dampening = 1 - part() if free else fmpq(0)
    return Hyper(part(), part(), dampening, fmpq(0), nesterov, False, nu)._replace(**fixed)


def answers(name, nesterov, free, wanted):
    """Coefficients of every answer that is one."""
    for found in CONVENTIONS[name].inverse.solve(wanted, nesterov, free):
        h = Hyper(found.lr, found.momentum, 1 - found.keep, fmpq(0), nesterov, False, found.nu)
        yield coefficients(name, h.lifted(fmpq))


def trials(name, nesterov, free, **fixed):
    """What twenty drawn steps do, other numbers to be like, and a scale of the velocity."""
    rng = random.Random(f"{name} {nesterov} {free}")
    for _ in range(20):
        step = coefficients(name, drawn(rng, name, nesterov, free, **fixed))
        yield *step, drawn(rng, name, nesterov, free), fmpq(rng.randint(1, 9), 7)


def wanted(P, Q, mu, kappa, like):
    return Wanted(P, Q, mu, kappa, like, like.momentum, 0, False, None, [], None, 0)


@pytest.mark.parametrize(("name", "nesterov", "free"), FORMS)
def test_a_whole_step_is_found_again(name, nesterov, free):
    for P, Q, m, k, like, scale in trials(name, nesterov, free):
        told = wanted(P, Q, scale * m, scale * k, like)
        assert any(
            (p, q) == (P, Q) and mu * k == m * kappa
            for p, q, mu, kappa in answers(name, nesterov, free, told)
        )


@pytest.mark.parametrize(("name", "nesterov", "free"), FORMS)
@pytest.mark.parametrize("fixed", [{}, {"lr": fmpq(0)}], ids=["moves", "stands"])
def test_a_step_that_leaves_nothing_to_remember_is_found(name, nesterov, free, fixed):
    for P, Q, _, _, like, _ in trials(name, nesterov, free, **fixed):
        found = answers(name, nesterov, free, wanted(P, Q, None, None, like))
        assert any((p, q) == (P, Q) for p, q, _, _ in found)


@pytest.mark.parametrize(("name", "nesterov", "free"), FORMS)
def test_a_step_without_a_velocity_is_found(name, nesterov, free):
    for P, _, _, k, like, scale in trials(name, nesterov, free):
        for kappa in (None, scale * k):
            found = answers(name, nesterov, free, wanted(P, None, None, kappa, like))
            assert any(p == P for p, _, _, _ in found)


@pytest.mark.parametrize(("name", "nesterov", "free"), FORMS)
@pytest.mark.parametrize("still", ["momentum", "lr"])
def test_a_step_without_momentum_or_rate_is_found_again(name, nesterov, free, still):
    for P, Q, m, k, like, scale in trials(name, nesterov, free, **{still: fmpq(0)}):
        told = wanted(P, Q, scale * m, scale * k, like)
        assert any(
            (p, q) == (P, Q) and mu * k == m * kappa
            for p, q, mu, kappa in answers(name, nesterov, free, told)
        )


@pytest.mark.parametrize("name", ["accumulated", "zero_started"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_what_keeps_the_velocity_and_takes_no_gradient_has_momentum(name, nesterov):
    still = Hyper(fmpq(0), fmpq(3, 7), fmpq(1), fmpq(0), nesterov, False, fmpq(1))
    P, Q, m, k = coefficients(name, still)
    assert (P, Q, m, k) == (0, 0, fmpq(3, 7), 0)
    for like in (still, still._replace(momentum=fmpq(0))):
        found = list(answers(name, nesterov, True, wanted(P, Q, m, k, like)))
        assert any((p, q, kappa) == (0, 0, 0) and mu for p, q, mu, kappa in found)


@pytest.mark.parametrize("name", ["accumulated", "zero_started", "averaged"])
def test_a_part_of_the_parameter_makes_nesterovs_form_possible(name):
    """y' = y - P d - Q (v + s y) and v' = mu v + kappa d, in multiples of v + s y, y' and d."""
    inverse = CONVENTIONS[name].inverse
    for (P, Q, m, k, like, mu), kappa in zip(trials(name, True, False), (fmpq(2, 3), fmpq(5)) * 9):
        if mu * k != m * kappa and mu * P != kappa * Q:
            found = list(inverse.shifts(wanted(P, Q, mu, kappa, like)))
            taken = [-s * (mu - kappa * Q / P) for s in found]
            assert any(k * (mu + c * Q) == m * (kappa + c * P) for c in taken)


def test_a_scale_passes_through_steps_that_only_average():
    """v' = (mu v + kappa d) / (mu + kappa) turns s v into s (kappa + mu) / (s kappa + mu)."""
    scale = CONVENTIONS["averaged"].inverse.scale
    like = Hyper(fmpq(1), fmpq(1, 2))
    first, last = (wanted(0, 0, fmpq(m), fmpq(k), like) for m, k in ((2, 3), (5, 2)))
    by = fmpq(5, 4)
    before = scale.carried(by, [first, last])
    for w in (first, last):
        before = before * (w.kappa + w.mu) / (before * w.kappa + w.mu)
    assert before == by
    assert scale.carried(by, []) == by
    assert scale.carried(fmpq(5, 3), [first]) is None
    assert scale.carried(by, [first._replace(mu=None)]) is None


def test_the_look_ahead_rule_scales_its_first_velocity_as_the_second_step_needs():
    inverse = CONVENTIONS["look_ahead"].inverse
    lr, by, m1, m2, later = fmpq(2, 3), fmpq(5, 7), fmpq(3, 4), fmpq(1, 6), fmpq(4, 9)
    like = Hyper(lr, m1)
    first = wanted(lr * (1 + m1), None, None, None, like)
    other = Found(lr / by, m1, following=first.P * by / lr - 1)
    # y2 = y1 - m1 m2 v1 - (1 + m2) lr d, with v1 in units of the other answer's
    second = wanted((1 + m2) * later, by * m1 * m2, 2 * by * m1, 2 * later, like)
    assert inverse.scale.rescaling(second, first, other) == by
    # Nothing is kept: the other answer is to take no momentum at its second step.
    assert inverse.scale.rescaling(second._replace(mu=fmpq(0)), first, other) == by * (1 + m1)
    assert inverse.scale.rescaling(second._replace(mu=None), first, other) is None
    again = inverse.scale.rescaled(first, other, by)
    assert (again.lr, again.following) == (lr, m1)


@pytest.mark.parametrize("name", ["averaged", "scaled"])
def test_nesterovs_form_scales_its_first_velocity_as_the_second_step_needs(name):
    first, later = (
        Hyper(fmpq(n, 7), fmpq(n, 9), fmpq(0), fmpq(0), nesterov=True, maximize=False, nu=fmpq(1))
        for n in (2, 5)
    )
    by, times = fmpq(3, 4), fmpq(6, 5)
    P, _, _, k = coefficients(name, first)
    want = wanted(P, None, None, None, first)
    scale = CONVENTIONS[name].inverse.scale
    other = scale.rescaled(want, Found(first.lr, first.momentum), 1 / by)
    turned = first._replace(lr=other.lr, momentum=other.momentum)
    assert coefficients(name, turned)[::3] == (P, k / by)
    # The old velocity is by times the other answer's.
    P, Q, m, k = coefficients(name, later)
    second = wanted(P, by * Q, times * by * m, times * k, later)
    assert scale.rescaling(second, want, other) == by
    again = scale.rescaled(want, other, by)
    assert (again.lr, again.momentum) == (first.lr, first.momentum)
    for unknown in ("Q", "mu", "kappa"):
        assert scale.rescaling(second._replace(**{unknown: None}), want, other) is None


@pytest.mark.parametrize(("name", "nesterov"), [("averaged", True), ("quasi_hyperbolic", False)])
def test_no_momentum_shares_out_what_cancels(name, nesterov):
    """m : 1 - m = mu : kappa has no solution where mu = -kappa."""
    like = Hyper(fmpq(1), fmpq(1, 2), nu=fmpq(2, 3))
    cancelled = wanted(fmpq(1), None, fmpq(2), fmpq(-2), like)
    assert list(answers(name, nesterov, False, cancelled)) == []


def test_a_mean_of_the_old_average_alone_takes_no_gradient():
    like = Hyper(fmpq(1), fmpq(4, 3), nu=fmpq(3, 4))  # nu m = 1
    found = answers("quasi_hyperbolic", False, False, wanted(fmpq(1), None, None, None, like))
    assert list(found) == []


def test_a_velocity_that_is_looked_back_from_whole_has_no_rate_of_its_own():
    """y = x - m v with m = -1 is x + v, which is where the parameter was: no gradient moves it."""
    like = Hyper(fmpq(1), fmpq(1, 2))
    moved = wanted(fmpq(1), None, None, None, like)._replace(following=fmpq(-1))
    assert list(CONVENTIONS["look_ahead"].inverse.solve(moved, True, False)) == []
    still = moved._replace(P=fmpq(0), kappa=fmpq(3))
    (found,) = CONVENTIONS["look_ahead"].inverse.solve(still, True, False)
    assert (found.lr, found.following) == (1, -1)


def test_nesterovs_form_with_momentum_of_minus_one_remembers_and_stands_still():
    """v' = lr d and y' = y - lr d + v' = y, whatever the gradient."""
    for lr in (fmpq(2, 3), fmpq(0)):
        like = Hyper(lr, fmpq(1, 2))
        first = wanted(fmpq(0), None, None, fmpq(3), like)
        steps = list(answers("scaled", True, False, first))
        assert any(p == 0 and kappa != 0 for p, _, _, kappa in steps)
        moving = first._replace(P=fmpq(1, 5))
        assert all(p == fmpq(1, 5) for p, _, _, _ in answers("scaled", True, False, moving))


def test_where_nothing_need_be_remembered_momentum_is_that_of_the_source():
    """Any will do with a free dampening; 1 where the source has none."""
    for momentum in (fmpq(2, 5), fmpq(0)):
        like = Hyper(fmpq(1, 3), momentum)
        last = wanted(fmpq(3, 4), fmpq(5, 7), None, None, like)
        for name, nesterov in (("accumulated", True), ("zero_started", True)):
            (found,) = CONVENTIONS[name].inverse.solve(last, nesterov, True)
            assert found.momentum == (momentum or 1)
            ((p, q, _, _),) = answers(name, nesterov, True, last)
            assert (p, q) == (fmpq(3, 4), fmpq(5, 7))


@pytest.mark.parametrize(("name", "Q"), [("accumulated", fmpq(1, 8)), ("averaged", fmpq(1, 4))])
@pytest.mark.parametrize("unknown", ["mu", "kappa"])
def test_no_part_of_the_parameter_helps_where_a_proportion_is_free(name, Q, unknown):
    told = wanted(fmpq(3, 4), Q, fmpq(2), fmpq(3), Hyper(fmpq(1, 3), fmpq(1, 2)))
    shifts = CONVENTIONS[name].inverse.shifts
    assert len(list(shifts(told))) == 2
    assert list(shifts(told._replace(**{unknown: None}))) == []


def test_an_average_may_have_a_momentum_above_one():
    """m^2 = Q / (P + Q) is 4 where P = -3 and Q = 4."""
    told = wanted(fmpq(-3), fmpq(4), fmpq(2), fmpq(3), Hyper(fmpq(1, 3), fmpq(1, 2)))
    assert len(list(CONVENTIONS["averaged"].inverse.shifts(told))) == 2


def test_a_velocity_looked_back_from_whole_takes_its_rate_from_what_is_remembered():
    """y' = x - v' + v' = x = y + m v, and v' = m v + lr d, so that lr = m kappa / mu."""
    m = fmpq(2, 5)
    like = Hyper(fmpq(1), m)
    told = wanted(fmpq(0), -m, fmpq(3), fmpq(4), like)._replace(held=m, following=fmpq(-1))
    (found,) = CONVENTIONS["look_ahead"].inverse.solve(told, False, False)
    assert (found.lr, found.momentum, found.following) == (m * fmpq(4, 3), m, -1)
    assert list(CONVENTIONS["look_ahead"].inverse.solve(told._replace(mu=None), False, False)) == []


def test_the_look_ahead_rule_is_solved_by_the_momentum_of_the_next_step():
    """y' = y - m1 m2 v - (1 + m2) lr d, v' = m1 v + lr d."""
    lr, m1, m2 = fmpq(2, 3), fmpq(3, 4), fmpq(1, 6)
    told = wanted((1 + m2) * lr, m1 * m2, 5 * m1, 5 * lr, Hyper(fmpq(1), m1))._replace(held=m1)
    for remembered in ({}, {"mu": None, "kappa": None}):  # the update alone decides
        last = told._replace(**remembered)
        (found,) = CONVENTIONS["look_ahead"].inverse.solve(last, False, False)
        assert (found.lr, found.momentum, found.following) == (lr, m1, m2)


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("m", [fmpq(-1), fmpq(-2), fmpq(1, 2)])
def test_a_first_step_in_nesterovs_form_has_no_answer_at_momentum_of_minus_one(m, free):
    """y' = y - lr (1 + m) d."""
    first = wanted(fmpq(3, 4), None, None, None, Hyper(fmpq(1), m))
    found = list(CONVENTIONS["accumulated"].inverse.solve(first, True, free))
    assert [(f.lr, f.momentum) for f in found] == ([] if m == -1 else [(fmpq(3, 4) / (1 + m), m)])


@pytest.mark.parametrize("m", [fmpq(-1), fmpq(1), fmpq(-2), fmpq(1, 2)])
def test_a_first_average_in_nesterovs_form_has_no_rate_at_momentum_of_one_either_sign(m):
    """y' = y - lr (1 - m^2) d."""
    first = wanted(fmpq(3, 4), None, None, None, Hyper(fmpq(1), m))
    found = [(f.lr, f.momentum) for f in nesterov_averaging(first)]
    assert found == ([] if m**2 == 1 else [(fmpq(3, 4) / (1 - m**2), m)])


@pytest.mark.parametrize("by", [fmpq(0), fmpq(2), fmpq(1, 2)])
def test_an_average_of_momentum_one_either_sign_has_no_first_velocity_of_another_scale(by):
    """1 - m = by (1 - 0), so that m is 1, -1 or 1/2."""
    first = wanted(fmpq(3, 4), None, None, None, Hyper(fmpq(1), fmpq(0)))
    found = CONVENTIONS["averaged"].inverse.scale.rescaled(first, Found(fmpq(3, 4), fmpq(0)), by)
    assert found == (Found(fmpq(1), fmpq(1, 2)) if by == fmpq(1, 2) else None)
