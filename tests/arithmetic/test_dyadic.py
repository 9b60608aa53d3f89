"""Exact numbers without common divisors: the same numbers as rationals, and rounded as they are."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpz
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import exact, nearest
from momentum.arithmetic.dyadic import (
    Dyadic,
    Precision,
    Undecided,
    balls,
    rationals,
    rounded,
    rounded_balls,
)

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TIE = 2**53 + 1
"""Half-way between two float64 numbers."""


@st.composite
def digits(draw: st.DrawFn) -> int:
    """Whole numbers, many of them where rounding is decided by what comes last."""
    base = draw(st.sampled_from([0, 1, TIE, 2 * TIE, 2**54 - 1]) | st.integers(0, 2**900))
    shifted = base << draw(st.sampled_from([0, 1, 200, 400]))
    return draw(st.sampled_from([1, -1])) * (shifted + draw(st.integers(-1, 1)))


@given(digits(), st.integers(-3000, 900))
def test_values_are_the_nearest_float64_and_the_rest_is_what_is_left(
    whole: int, power: int
) -> None:
    fraction = Fraction(whole) * Fraction(2) ** power
    number = exact(fraction)
    (value,), (rest,) = rounded(Dyadic(fmpz(whole) << max(power, 0), max(-power, 0)), 1)
    assert value == nearest(number)
    if np.isfinite(value):
        left = number - exact(value)
        assert abs(exact(rest) - left) <= abs(left) / 2**52 + exact(2.0**-1074)


@given(st.lists(FLOATS, min_size=1, max_size=4), FLOATS, FLOATS)
def test_arrays_compute_as_rationals_do(xs: list[float], a: float, b: float) -> None:
    array, x, y = np.array(xs), Dyadic.of(a), Dyadic.of(b)
    got = x * Dyadic.of(array) - (1 - y) * (Dyadic.of(array) + Dyadic.of(array)) + 0
    p, q = exact(a), exact(b)
    wanted = [p * exact(v) - (1 - q) * 2 * exact(v) for v in xs]
    assert list(rationals(got)) == wanted


@pytest.mark.parametrize("x", [Fraction(1, 3), exact(Fraction(3, 10))])
def test_what_is_not_dyadic_is_refused(x: Any) -> None:
    with pytest.raises(TypeError, match="not dyadic"):
        Dyadic.of(x)


def test_balls_round_only_what_they_decide() -> None:
    with Precision(256):
        third = arb(1) / 3
        values, _ = rounded_balls([third, -third * 2, arb(0), arb(0.1)], 4)
        assert values.tolist() == [1 / 3, -2 / 3, 0.0, 0.1]
        near = arb(TIE) + third - third  # the tie itself, with a radius
        with pytest.raises(Undecided):
            rounded_balls([near], 1)
        assert rounded_balls(balls(np.array([0.1, -2.0])), 2)[0].tolist() == [0.1, -2.0]
    with Precision(64), pytest.raises(Undecided):
        rounded_balls([arb(1) / 3], 1)


def test_balls_beyond_the_largest_float_are_infinite_though_they_are_not_exact() -> None:
    with Precision(256):
        third = arb(1) / 3
        far = third * 5 * arb(2) ** 1024
        assert rounded_balls([far, -far], 2)[0].tolist() == [np.inf, -np.inf]


@given(digits(), st.integers(-3000, 900), st.sampled_from([0, 60, 90, 200]))
def test_balls_round_as_all_that_lies_in_them(whole: int, power: int, narrow: int) -> None:
    number = Fraction(whole) * Fraction(2) ** power
    radius = abs(number) / 2**narrow if narrow else Fraction(0)
    with Precision(2048):
        ball = arb(fmpz(whole)) * arb(2) ** power
        ball += arb(0, arb(fmpz(abs(whole))) * arb(2) ** (power - narrow)) if narrow else 0
        try:
            (value,), (rest,) = rounded_balls([ball], 1)
        except Undecided:
            assert narrow
            return
    # The radius that a ball keeps is rounded upwards.
    assert value == nearest(exact(number - radius)) == nearest(exact(number + radius))
    if np.isfinite(value):
        left = exact(number) - exact(value)
        assert abs(exact(rest) - left) <= abs(left) / 2**52 + exact(2.0**-1074)


def test_nothing_and_one_cost_nothing() -> None:
    x = Dyadic.of(np.array([1.5, -3.0]))
    assert x * 1 is x
    assert 1 * x is x
    assert x + 0 is x
    assert x - 0 is x
    for product in (x * 0, 0 * x):
        assert isinstance(product, int)
        assert product == 0
    assert [str(q) for q in rationals(1 - x)] == ["-1/2", "4"]
    assert [str(q) for q in rationals(2 * x)] == ["3", "-6"]


def test_numbers_near_the_least_and_long_ones_round_once() -> None:
    for digits, exponent, wanted in (
        (3, 1, 1.5),
        (1, 1, 0.5),
        (3, 1060, 3 * 2.0**-1060),
        (-5, 1074, -5 * 2.0**-1074),
        (3, 1075, 2 * 2.0**-1074),  # a tie, to even
        ((1 << 59) + (1 << 35) + 1, 1110, ((1 << 23) + 1) * 2.0**-1074),  # just above a tie
        ((1 << 1100) + 1, 1100, 1.0),
        ((TIE << 400) + 1, 453, 1 + 2.0**-52),  # just above a tie, far behind it
        ((TIE << 400) - 1, 453, 1.0),
        (-(3 << 1000), 0, -3 * 2.0**1000),
        (1 << 1024, 0, np.inf),
        (-(1 << 1024), 0, -np.inf),
    ):
        value, _ = rounded(Dyadic(fmpz(digits), exponent), 1)
        assert value.tolist() == [wanted]
