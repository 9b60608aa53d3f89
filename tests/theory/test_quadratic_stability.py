"""Stability and rates against paths that share no formula with the criterion."""

import math
from fractions import Fraction

import pytest
from flint import arb_mat, ctx, fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import exact
from momentum.conventions import Hyper, State, get
from momentum.theory import quadratic
from momentum.theory.quadratic import METHODS, is_stable

U = Fraction(1, 2**53)

methods = pytest.mark.parametrize("method", METHODS)
eigenvalues = st.fractions(Fraction(1, 100), 100, max_denominator=100)
proper_momenta = st.fractions(0, Fraction(999, 1000), max_denominator=1000)
numbers = st.fractions(-3, 3, max_denominator=60)


def one_step(method, lr, momentum, eigenvalue):
    """The linear map (theta, v) -> (theta, v) of one step, read off the convention's own rule."""
    h = Hyper(
        lr=exact(lr),
        momentum=fmpq(0) if method == "gradient_descent" else exact(momentum),
        nesterov=method == "nesterov",
    )
    columns = []
    for theta, v in ((fmpq(1), fmpq(0)), (fmpq(0), fmpq(1))):
        moved, state = get("scaled").rule(theta, exact(eigenvalue) * theta, State(1, v), h)
        columns.append((moved, state.v))
    return fmpq_mat(2, 2, [columns[0][0], columns[1][0], columns[0][1], columns[1][1]])


def stable_by_stein(m):
    """Powers of m vanish iff P - m^T P m = I has one solution and it is positive definite."""
    (a, b), (c, d) = m.tolist()
    system = fmpq_mat(
        [
            [1 - a * a, -2 * a * c, -c * c],
            [-a * b, 1 - a * d - b * c, -c * d],
            [-b * b, -2 * b * d, 1 - d * d],
        ]
    )
    if system.det() == 0:
        return False
    p, q, r = (x[0] for x in system.solve(fmpq_mat([[1], [0], [1]])).tolist())
    return bool(p > 0 and p * r - q * q > 0)


def stable_by_powers(m):
    """Powers of m vanish iff some power has norm below 1; tried up to the power 2^60."""
    before = ctx.prec
    ctx.prec = 640  # each squaring loses a few bits, and no more
    try:
        power = arb_mat(m)
        for _ in range(60):
            if all(sum((abs(x) for x in row), 0) < 1 for row in power.tolist()):
                return True
            if any(abs(x) > 2**100 for row in power.tolist() for x in row):
                return False  # beyond what a stable map within these draws reaches on its way
            power = power * power
        return False
    finally:
        ctx.prec = before


@st.composite
def lr_near_the_limit(draw, method, momentum, eigenvalue, least=-40):
    """A learning rate a little off the limit, or on it, on either end of the stable interval."""
    limit = quadratic.stability_limit(method, momentum) * draw(st.sampled_from([0, 1]))
    off = draw(st.sampled_from([-1, 0, 1])) * fmpq(2) ** draw(st.integers(least, 0))
    return (limit + off) / exact(eigenvalue)


@methods
@given(data=st.data(), momentum=proper_momenta, eigenvalue=eigenvalues)
def test_is_stable_agrees_with_the_stein_equation_close_to_the_limit(
    method, data, momentum, eigenvalue
):
    lr = data.draw(lr_near_the_limit(method, momentum, eigenvalue, least=-300))
    expected = stable_by_stein(one_step(method, lr, momentum, eigenvalue))
    assert is_stable(method, lr, momentum, [eigenvalue]) == expected


@methods
@given(lr=numbers, momentum=numbers, eigenvalue=numbers)
def test_is_stable_agrees_with_the_stein_equation_for_any_sign(method, lr, momentum, eigenvalue):
    expected = stable_by_stein(one_step(method, lr, momentum, eigenvalue))
    assert is_stable(method, lr, momentum, [eigenvalue]) == expected


@methods
@given(data=st.data(), momentum=proper_momenta, eigenvalue=eigenvalues)
def test_is_stable_says_whether_powers_of_the_step_shrink(method, data, momentum, eigenvalue):
    lr = data.draw(lr_near_the_limit(method, momentum, eigenvalue, least=-20))
    expected = stable_by_powers(one_step(method, lr, momentum, eigenvalue))
    assert is_stable(method, lr, momentum, [eigenvalue]) == expected


@methods
@given(momentum=proper_momenta, eigenvalue=eigenvalues, lr=st.fractions(-1, 50, max_denominator=99))
def test_stability_limit_is_where_stability_ends(method, momentum, eigenvalue, lr):
    inside = 0 < exact(lr * eigenvalue) < quadratic.stability_limit(method, momentum)
    assert is_stable(method, lr, momentum, [eigenvalue]) == inside


@pytest.mark.parametrize(
    ("method", "momentum", "limit"),
    [
        ("gradient_descent", 0, fmpq(2)),
        ("heavy_ball", 0, fmpq(2)),
        ("heavy_ball", 0.5, fmpq(3)),
        ("heavy_ball", Fraction(9, 10), fmpq(19, 5)),
        ("nesterov", 0, fmpq(2)),
        ("nesterov", 0.5, fmpq(3, 2)),
        ("nesterov", Fraction(9, 10), fmpq(19, 14)),
    ],
)
def test_stability_limit_agrees_with_the_table(method, momentum, limit):
    assert quadratic.stability_limit(method, momentum) == limit


def test_is_stable_decides_the_articles_four_points():
    spectrum = (Fraction(1, 5), 4)
    assert is_stable("gradient_descent", Fraction(4, 10), 0, spectrum)
    assert not is_stable("gradient_descent", Fraction(6, 10), 0, spectrum)
    assert is_stable("heavy_ball", Fraction(4, 10), Fraction(1, 2), spectrum)
    assert is_stable("heavy_ball", Fraction(6, 10), Fraction(1, 2), spectrum)


def test_is_stable_takes_floats_exactly_and_the_boundary_as_unstable():
    assert not is_stable("gradient_descent", 0.5, 0, [4])
    assert is_stable("gradient_descent", math.nextafter(0.5, 0), 0, [4])
    assert not is_stable("heavy_ball", 0.75, 0.5, [4])
    assert is_stable("heavy_ball", math.nextafter(0.75, 0), 0.5, [4])
    assert not is_stable("heavy_ball", 0, 0.5, [4])
    assert not is_stable("heavy_ball", 0.5, 0.5, [0, 1])


def test_is_stable_allows_nesterov_a_momentum_above_one():
    # lr eigenvalue = 1 gives the polynomial z^2, whatever the momentum.
    assert is_stable("nesterov", 1, Fraction(3, 2), [1])
    assert not is_stable("heavy_ball", 1, 1, [1])
    assert not is_stable("nesterov", 1, Fraction(3, 2), [1, Fraction(1, 4)])


@given(first=numbers, second=numbers, radius=st.fractions(Fraction(1, 60), 4, max_denominator=60))
def test_is_stable_compares_the_largest_root_with_a_radius(first, second, radius):
    # Heavy ball on eigenvalue 1 has these two roots: momentum is their product.
    momentum = first * second
    lr = 1 + momentum - first - second
    largest = max(abs(first), abs(second))
    assert is_stable("heavy_ball", lr, momentum, [1], radius=radius) == (largest < radius)
    # |a| and the root of the discriminant round by 5/2 u together, their sum by u: below 4 u.
    got = Fraction(quadratic.spectral_radius("heavy_ball", lr, momentum, 1))
    assert abs(got - largest) <= 4 * U * largest


@given(
    momentum=st.fractions(Fraction(1, 1000), 1, max_denominator=1000),
    share=st.fractions(-1, 1, max_denominator=99).filter(lambda s: abs(s) < 1),
    eigenvalue=eigenvalues,
)
def test_spectral_radius_of_complex_roots_is_the_root_of_the_momentum(momentum, share, eigenvalue):
    # The roots are complex while |1 + momentum - lr eigenvalue| < 2 sqrt(momentum), which is at
    # least 2 momentum here.
    lr = (1 + momentum - share * 2 * momentum) / eigenvalue
    got = Fraction(quadratic.spectral_radius("heavy_ball", lr, momentum, eigenvalue))
    # momentum rounds once before the root and the root once: (1 + 3/2 u)^2 < 1 + 4 u.
    assert abs(got * got - momentum) <= 4 * U * momentum


@pytest.mark.parametrize("eigenvalue", [1e300, 1.7e308, 5e-324])
def test_spectral_radius_is_finite_where_the_radius_is(eigenvalue):
    # Nesterov at momentum 1: b = 1 - lr e and a = 2 b, so the roots are b -+ sqrt(b^2 - b).
    b = 1 - Fraction(0.1) * Fraction(eigenvalue)
    got = Fraction(quadratic.spectral_radius("nesterov", 0.1, 1.0, eigenvalue))
    if b < 0:  # r solves r^2 - 2 |b| r + b = 0; its sign turns within half a float of r
        assert (got * (1 + U)) ** 2 + 2 * b * got * (1 + U) + b > 0
        assert (got * (1 - U)) ** 2 + 2 * b * got * (1 - U) + b < 0
    else:
        assert abs(got * got - b) <= 2 * U * b


def test_rate_is_the_largest_spectral_radius():
    radii = [quadratic.spectral_radius("nesterov", 0.25, 0.3, e) for e in (1, 2, 5)]
    assert quadratic.rate("nesterov", 0.25, 0.3, (1, 2, 5)) == max(radii)
