"""Best hyper-parameters: the cited formulas, and what is left of them in floats."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.theory.quadratic import METHODS, is_stable, spectral_radius
from momentum.theory.tuning import best

BEST = [
    # method, smallest, largest, lr, momentum, rate; worked by hand from the cited formulas
    ("gradient_descent", 1, 3, Fraction(1, 2), Fraction(0), Fraction(1, 2)),
    ("heavy_ball", 1, 9, Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)),
    ("heavy_ball", 4, 4, Fraction(1, 4), Fraction(0), Fraction(0)),
    ("nesterov", 1, 5, Fraction(1, 4), Fraction(1, 3), Fraction(1, 2)),
    ("nesterov", 1, 1, Fraction(1), Fraction(0), Fraction(0)),
]


@pytest.mark.parametrize(("method", "smallest", "largest", "lr", "momentum", "rate"), BEST)
def test_best_agrees_with_hand_worked_values(method, smallest, largest, lr, momentum, rate):
    got = best(method, smallest, largest)
    assert (got.lr, got.rate) == (float(lr), float(rate))
    # A third has no float: the next one above leaves no root real.
    assert got.momentum - float(momentum) in (0.0, math.ulp(float(momentum)))
    if rate:
        ends = (smallest, largest)
        assert not is_stable(method, lr, momentum, ends, radius=rate)
        assert is_stable(method, lr, momentum, ends, radius=rate + Fraction(1, 2**100))


@pytest.mark.parametrize(
    ("method", "smallest", "largest", "lr", "momentum", "rate"), [row for row in BEST if row[-1]]
)
@given(data=st.data())
def test_best_is_beaten_by_no_other_pair(method, smallest, largest, lr, momentum, rate, data):
    other = lr + data.draw(st.fractions(-lr, 1, max_denominator=500))
    gamma = momentum + data.draw(st.fractions(-1, 1, max_denominator=500))
    middle = [smallest + (largest - smallest) * Fraction(k, 8) for k in range(9)]
    assert not is_stable(method, other, gamma, middle, radius=rate)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("smallest", "largest"),
    [(1.0, 1e12), (1.0, 1e18), (1e-9, 1e9), (1.0, 1e40), (3e-5, 7.0), (5e-324, 1e-300),
     (5e-324, 5e-324), (1e300, 1.7e308), (5e-324, 1.7e308)],
)  # fmt: skip
def test_best_gives_the_rate_that_its_own_floats_have(method, smallest, largest):
    lr, momentum, rate = best(method, smallest, largest)
    ends = (smallest, largest)
    assert rate == max(spectral_radius(method, lr, momentum, e) for e in ends)
    assert is_stable(method, lr, momentum, ends) or rate >= 1


@pytest.mark.parametrize("condition", [1e12, 1e18])
def test_best_heavy_ball_loses_no_more_than_its_momentum_rounds(condition):
    # In reals the rate is 1 - 2 / (sqrt(k) + 1); a momentum up to four floats above its square
    # raises it by at most 4 * 2^-53, and learning rates are within four floats of the best too.
    got = Fraction(best("heavy_ball", 1.0, condition).rate)
    wanted = 1 - Fraction(2) / (Fraction(math.isqrt(int(condition))) + 1)
    assert wanted - Fraction(1, 2**53) <= got <= wanted + Fraction(8, 2**53)
    assert is_stable("heavy_ball", *best("heavy_ball", 1.0, condition)[:2], (1.0, condition))


@given(method=st.sampled_from(METHODS), share=st.integers(1, 10**6), data=st.data())
def test_best_is_beaten_by_none_of_its_neighbours(method, share, data):
    smallest, largest = share / 10**6, 1.0
    lr, momentum, rate = best(method, smallest, largest)
    ups = data.draw(st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
    for _ in range(abs(ups[0])):
        lr = math.nextafter(lr, math.inf if ups[0] > 0 else 0.0)
    for _ in range(abs(ups[1])):
        momentum = math.nextafter(momentum, math.inf if ups[1] > 0 else 0.0)
    assert max(spectral_radius(method, lr, momentum, e) for e in (smallest, largest)) >= rate


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: best("adam", 1, 2), "unknown method"),
        (lambda: best("heavy_ball", 0, 1), "eigenvalues"),
        (lambda: best("heavy_ball", 2, 1), "eigenvalues"),
        (lambda: best("heavy_ball", 1, math.inf), "eigenvalues"),
    ],
)
def test_best_refuses_what_has_no_answer(call, message):
    with pytest.raises(ValueError, match=message):
        call()
