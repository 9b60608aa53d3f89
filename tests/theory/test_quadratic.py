"""Best hyper-parameters, iterates against the conventions' own rules, the objective itself."""

import math
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat, fmpq_poly
from hypothesis import assume, example, given
from hypothesis import strategies as st

from momentum.arithmetic import exact
from momentum.conventions import Hyper, get
from momentum.theory import quadratic
from momentum.theory.quadratic import is_stable, iterate

numbers = st.fractions(-3, 3, max_denominator=60)


@pytest.mark.parametrize(
    ("name", "method", "form"),
    [
        ("scaled", "gradient_descent", "shifted"),
        ("scaled", "heavy_ball", "shifted"),
        ("accumulated", "heavy_ball", "plain"),
        ("two_point", "heavy_ball", "shifted"),
        ("scaled", "nesterov", "shifted"),
        ("accumulated", "nesterov", "shifted"),
        ("look_ahead", "nesterov", "plain"),
    ],
)
@given(lr=numbers, momentum=numbers, eigenvalue=numbers, start=numbers)
@example(lr=Fraction(1, 4), momentum=Fraction(1, 4), eigenvalue=Fraction(1), start=Fraction(1))
@example(lr=Fraction(0), momentum=Fraction(1), eigenvalue=Fraction(1), start=Fraction(1))
def test_iterate_equals_the_convention_step_by_step(
    name, method, form, lr, momentum, eigenvalue, start
):
    convention = get(name)
    given_momentum = fmpq(0) if method == "gradient_descent" else exact(momentum)
    h = Hyper(
        lr=exact(lr),
        momentum=given_momentum,
        nesterov=method == "nesterov" and form == "shifted",
    )
    theta, state = exact(start), convention.initial
    for step in range(9):
        assert exact(iterate(method, lr, momentum, eigenvalue, start, step, form=form)) == theta
        grad = exact(eigenvalue) * convention.gradient_point(theta, state, h)
        theta, state = convention.rule(theta, grad, state, h)


def test_iterate_gives_the_articles_diverging_coordinate():
    got = iterate("gradient_descent", Fraction(6, 10), 0, 4, -2, 20)
    assert got == -2 * Fraction(-7, 5) ** 20
    assert f"{float(got):.6f}" == "-1673.365109"
    x1 = iterate("heavy_ball", Fraction(6, 10), Fraction(1, 2), Fraction(1, 5), -5, 20)
    x2 = iterate("heavy_ball", Fraction(6, 10), Fraction(1, 2), 4, -2, 20)
    assert (f"{float(x1):.6f}", f"{float(x2):.6f}") == ("0.007188", "0.002553")


def test_iterate_stays_in_the_arithmetic_of_its_arguments():
    assert iterate("heavy_ball", 0.5, 0.5, 1.0, 8.0, 2) == 0.0
    assert isinstance(iterate("heavy_ball", 0.5, 0.5, 1.0, 8.0, 2), float)
    assert iterate("heavy_ball", fmpq(1, 3), fmpq(1, 2), 1, fmpq(9), 2) == fmpq(5, 2)


@given(eigenvalue=st.fractions(Fraction(1, 10), 1, max_denominator=1000))
def test_iterate_never_exceeds_the_certified_worst_case(eigenvalue):
    # PEPit, heavy ball, mu = 0.1, L = 1, n = 2: f(x_2) <= 0.753493 f(x_0) over all smooth
    # strongly convex f, quadratics among them; half a unit of its last digit on top.
    momentum = Fraction(math.sqrt(0.95 * 0.5))
    ratio = iterate("heavy_ball", Fraction(1, 2), momentum, eigenvalue, 1, 2) ** 2
    assert ratio <= Fraction("0.7534935")


vectors = st.integers(1, 4).flatmap(
    lambda n: st.tuples(*[st.lists(numbers, min_size=n, max_size=n) for _ in range(4)])
)


@given(vectors)
def test_quadratic_gradient_is_the_derivative_of_its_value(drawn):
    spectrum, normal, point, way = drawn
    f = quadratic.Quadratic(tuple(spectrum), tuple(normal) if any(normal) else None)
    # The central difference of a quadratic is exact.
    ahead = f.value([x + h for x, h in zip(point, way, strict=True)])
    behind = f.value([x - h for x, h in zip(point, way, strict=True)])
    slope = sum(g * h for g, h in zip(f.gradient(point), way, strict=True))
    assert ahead - behind == 2 * slope


@given(vectors)
def test_quadratic_keeps_its_spectrum_when_reflected(drawn):
    spectrum, normal, *_ = drawn
    assume(any(normal))
    f = quadratic.Quadratic(
        tuple(exact(e) for e in spectrum), tuple(exact(entry) for entry in normal)
    )
    size = range(len(spectrum))
    hessian = fmpq_mat([f.gradient([fmpq(int(i == j)) for j in size]) for i in size])
    wanted = fmpq_poly([1])
    for eigenvalue in f.spectrum:
        wanted *= fmpq_poly([-eigenvalue, 1])
    assert hessian.charpoly() == wanted


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: is_stable("adam", 1, 0, [1]), "unknown method"),
        (lambda: quadratic.stability_limit("adam", 0), "unknown method"),
        (lambda: is_stable("heavy_ball", math.nan, 0, [1]), "nan"),
        (lambda: is_stable("heavy_ball", 1, 0, [math.inf]), "inf"),
        (lambda: is_stable("heavy_ball", 1, 0, []), "empty"),
        (lambda: is_stable("heavy_ball", 1, 0, [1], radius=0), "radius"),
        (lambda: quadratic.rate("heavy_ball", 1, 0, []), "empty"),
        (lambda: quadratic.stability_limit("heavy_ball", 1), "momentum"),
        (lambda: quadratic.stability_limit("nesterov", -0.5), "momentum"),
        (lambda: iterate("heavy_ball", 1, 0, 1, 1, -1), "step"),
        (lambda: quadratic.Quadratic((1, 2), (1,)), "normal"),
        (lambda: quadratic.Quadratic((1, 2), (0, 0)), "zero"),
        (lambda: quadratic.Quadratic((1, 2)).gradient([1]), "coordinates"),
    ],
)
def test_quadratic_refuses_what_has_no_answer(call, message):
    with pytest.raises(ValueError, match=message):
        call()
