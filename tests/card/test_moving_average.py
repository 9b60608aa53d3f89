"""The velocity is an exponentially weighted sum, and its weights sum to 1/(1 - momentum)."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from momentum.conventions import Hyper, get
from momentum.theory import ewma

MOMENTA = st.fractions(0, Fraction(99, 100), max_denominator=1000)
GRADIENTS = st.lists(st.fractions(-10, 10, max_denominator=1000), min_size=1, max_size=30)


def velocities(convention: str, grads: list[Fraction], momentum: Fraction) -> list[Fraction]:
    """The velocity after every step, in rationals, as the convention's own rule makes it."""
    rule, theta, states = get(convention), Fraction(0), []
    state = rule.initial
    for grad in grads:
        theta, state = rule.step(theta, grad, state, Hyper(lr=Fraction(1), momentum=momentum))
        states.append(state.v)
    return states


@given(GRADIENTS, MOMENTA)
def test_velocity_is_the_weighted_sum_of_past_gradients(
    grads: list[Fraction], momentum: Fraction
) -> None:
    for t, v in enumerate(velocities("zero_started", grads, momentum)):
        assert v == sum(momentum**i * grads[t - i] for i in range(t + 1))


@given(GRADIENTS, MOMENTA)
def test_moving_average_is_the_weighted_sum_over_the_sum_of_weights(
    grads: list[Fraction], momentum: Fraction
) -> None:
    averages = ewma.averages(grads, momentum)
    sums = velocities("zero_started", grads, momentum)
    assert averages == [(1 - momentum) * v for v in sums]
    assert averages == velocities("averaged", grads, momentum)


@given(MOMENTA, st.integers(1, 200))
def test_weights_sum_to_one_over_one_minus_momentum(momentum: Fraction, steps: int) -> None:
    total = velocities("zero_started", [Fraction(1)] * steps, momentum)[-1]
    limit = 1 / (1 - momentum)
    assert total == sum(ewma.weights(momentum, steps))
    assert limit - total == momentum**steps * limit  # what is missing vanishes with the steps
    assert ewma.effective_window(momentum) == limit
