"""The moving average's identities, exactly over rationals and within a bound in floats."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import exact
from momentum.conventions import Hyper, get
from momentum.theory import ewma

U = Fraction(1, 2**53)
UNDERFLOW = Fraction(1, 2**1075)  # half the smallest subnormal of float64

kinds = pytest.mark.parametrize("kind", [Fraction, exact], ids=["Fraction", "fmpq"])
counts = st.integers(0, 40)
momenta = st.fractions(-2, 2, max_denominator=1000)
numbers = st.fractions(-100, 100, max_denominator=100)
histories = st.lists(numbers, min_size=1, max_size=12)


def test_weights_are_the_powers_of_the_momentum():
    assert ewma.weights(Fraction(1, 2), 4) == [1, Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)]
    assert ewma.weights(0.0, 3) == [1.0, 0.0, 0.0]
    assert ewma.weights(fmpq(2, 3), 0) == []


@kinds
@given(momentum=momenta.filter(lambda m: m != 1), steps=counts)
def test_weights_sum_to_the_closed_form_exactly(kind, momentum, steps):
    closed = (1 - momentum**steps) / (1 - momentum)
    assert sum(ewma.weights(kind(momentum), steps)) == kind(closed)
    assert ewma.weight_sum(kind(momentum), steps) == kind(closed)


@given(steps=counts)
def test_weight_sum_counts_the_steps_at_momentum_one(steps):
    assert ewma.weight_sum(Fraction(1), steps) == steps


@kinds
@given(
    momentum=st.fractions(-1, 1, max_denominator=1000).filter(lambda m: abs(m) < 1), steps=counts
)
def test_weight_sum_falls_short_of_the_window_by_a_vanishing_share(kind, momentum, steps):
    window = ewma.effective_window(kind(momentum))
    assert window == kind(1 / (1 - momentum))
    assert window - ewma.weight_sum(kind(momentum), steps) == kind(momentum**steps) * window


@given(momentum=momenta, steps=counts)
def test_older_share_is_what_the_weights_leave(momentum, steps):
    left = ewma.older_share(momentum, steps)
    assert left == momentum**steps
    assert left == 1 - (1 - momentum) * ewma.weight_sum(momentum, steps)


@kinds
@given(values=histories, momentum=momenta, start=numbers)
def test_averages_equal_their_expansion_exactly(kind, values, momentum, start):
    lifted = [kind(x) for x in values]
    averages = ewma.averages(lifted, kind(momentum), kind(start))
    for t, average in enumerate(averages, 1):
        assert average == ewma.expansion(lifted[:t], kind(momentum), kind(start))


@pytest.mark.parametrize("name", ["accumulated", "zero_started", "scaled"])
@given(grads=histories, momentum=momenta, lr=numbers)
def test_velocity_of_the_convention_is_the_weighted_sum_exactly(name, grads, momentum, lr):
    convention = get(name)
    h = Hyper(lr=exact(lr), momentum=exact(momentum))
    theta, state = fmpq(0), convention.initial
    for t, grad in enumerate(grads, 1):
        theta, state = convention.rule(theta, exact(grad), state, h)
        total = ewma.weighted_sum(grads[:t], momentum)
        assert state.v == exact(total * lr if name == "scaled" else total)


@given(grads=histories, momentum=momenta)
def test_averages_are_the_velocity_of_the_averaged_convention(grads, momentum):
    convention = get("averaged")
    h = Hyper(lr=fmpq(1), momentum=exact(momentum))
    theta, state = fmpq(0), convention.initial
    for grad, average in zip(grads, ewma.averages(grads, momentum), strict=True):
        theta, state = convention.rule(theta, exact(grad), state, h)
        assert state.v == exact(average)


@given(values=histories, momentum=momenta.filter(lambda m: abs(m) < 1))
def test_weighted_sum_is_the_window_times_the_average(values, momentum):
    average = ewma.averages(values, momentum)[-1]
    assert ewma.weighted_sum(values, momentum) == ewma.effective_window(momentum) * average


@given(values=histories, momentum=st.fractions(0, 1, max_denominator=50), window=st.integers(0, 15))
def test_windowed_leaves_out_no_more_than_the_older_share(values, momentum, window):
    rest = ewma.averages(values, momentum)[-1] - ewma.windowed(values, momentum, window)
    assert abs(rest) <= ewma.older_share(momentum, window) * max(abs(x) for x in values)
    if window >= len(values):
        assert rest == 0


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    momentum=st.floats(-1, 1),
)
def test_weighted_sum_in_floats_stays_within_its_rounding_bound(values, momentum):
    n = len(values)
    exactly = ewma.weighted_sum([Fraction(x) for x in values], Fraction(momentum))
    got = ewma.weighted_sum(values, momentum)
    # Term i passes through at most i products for its weight, 1 with its value and n sums, so at
    # most 2 n roundings: relative error k u / (1 - k u) of its magnitude (Higham, lemma 3.1).
    k = 2 * n
    magnitude = ewma.weighted_sum([abs(Fraction(x)) for x in values], abs(Fraction(momentum)))
    # Each product may underflow: i times in a weight (then scaled by the value), once after.
    underflow = sum((i * abs(Fraction(x)) + 1) * UNDERFLOW * 2 for i, x in enumerate(values[::-1]))
    assert abs(Fraction(got) - exactly) <= k * U / (1 - k * U) * magnitude + underflow


@given(momentum=st.floats(0, 1), steps=st.integers(0, 200))
def test_weight_sum_in_floats_stays_within_its_rounding_bound(momentum, steps):
    exactly = ewma.weight_sum(Fraction(momentum), steps)
    # Horner: every term passes through at most 2 t roundings, and all terms are positive; a
    # product that underflows is followed by adding 1, which swallows it within one more u.
    k = 2 * steps + 1
    assert (
        abs(Fraction(ewma.weight_sum(momentum, steps)) - exactly) <= k * U / (1 - k * U) * exactly
    )


def test_older_share_gives_the_articles_example():
    assert f"{ewma.older_share(0.95, 20):.4f}" == "0.3585"
    assert ewma.effective_window(Fraction(95, 100)) == 20


@given(n=st.integers(2, 200))
def test_weight_at_the_window_tends_to_the_inverse_of_e(n):
    # (1 - 1/n)^n < 1/e < (1 - 1/n)^(n-1), and the partial sums of sum (-1)^k / k! bracket 1/e.
    terms = [Fraction((-1) ** k, math.factorial(k)) for k in range(21)]
    above, below = sum(terms), sum(terms[:-1])
    momentum = 1 - Fraction(1, n)
    assert ewma.effective_window(momentum) == n
    at_window = ewma.older_share(momentum, n)
    assert at_window < above
    assert at_window > momentum * below


def test_weighted_sum_takes_arrays():
    values = [np.array([1.0, 2.0]), np.array([4.0, 8.0])]
    assert ewma.weighted_sum(values, 0.5).tolist() == [4.5, 9.0]
    assert ewma.weighted_sum([], 0.5) == 0


@pytest.mark.parametrize("momentum", [1, -1, 2.0, Fraction(-3, 2), math.nan, math.inf])
def test_effective_window_refuses_a_momentum_without_limit(momentum):
    with pytest.raises(ValueError, match="momentum"):
        ewma.effective_window(momentum)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ewma.weights(0.5, -1),
        lambda: ewma.weight_sum(0.5, -1),
        lambda: ewma.older_share(0.5, -2),
        lambda: ewma.windowed([1.0], 0.5, -1),
    ],
)
def test_functions_refuse_a_negative_count(call):
    with pytest.raises(ValueError, match="wanted a count"):
        call()
