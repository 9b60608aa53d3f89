"""Values, magnitudes and bounds of single operations, worked by hand, at the corners."""

import math

import numpy as np
import pytest

from momentum.arithmetic import FORMATS, Rounded, format_of

SINGLE, HALF = FORMATS["float32"], FORMATS["float16"]
FLUSHING = format_of("float32:flushing")
U = SINGLE.operation_u
TINY = SINGLE.smallest_subnormal / 2
"""The largest error of a product that underflows."""


def held(*values, format=SINGLE):
    return Rounded.of(np.array(values), format, own_error=False)


def given(value, format=SINGLE):
    return Rounded.of(value, format, own_error=False)


def shown(x):
    """Value, magnitude, error and what underflow adds, of the first element."""
    return tuple(float(np.ravel(part)[0]) for part in (x.value, x.magnitude, x.error, x.floor))


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (held(3.0) + held(5.0), (8, 8, 8 * U, 0)),
        (held(3.0) - held(5.0), (-2, 8, 8 * U, 0)),
        (held(3.0) + 5.0, (8, 8, 8 * U, 0)),
        (5.0 + held(3.0), (8, 8, 8 * U, 0)),
        (held(3.0) - 5.0, (-2, 8, 8 * U, 0)),
        (5.0 - held(3.0), (2, 8, 8 * U, 0)),
        (-held(3.0), (-3, 3, 0, 0)),
        (held(3.0) + -5.0, (-2, 8, 8 * U, 0)),
        (-5.0 + held(3.0), (-2, 8, 8 * U, 0)),
        (-5.0 - held(3.0), (-8, 8, 8 * U, 0)),
        (given(5.0) - given(3.0), (2, 2, 2 * U, 0)),  # as it stands: 1 - momentum
        (held(3.0) + 0.0, (3, 3, 0, 0)),
        (0.0 + held(3.0), (3, 3, 0, 0)),
        (0.0 - held(3.0), (-3, 3, 0, 0)),
        (held(3.0) * held(5.0), (15, 15, 15 * U, TINY)),
        (held(3.0) * 5.0, (15, 15, 15 * U, TINY)),
        (-5.0 * held(3.0), (-15, 15, 15 * U, TINY)),
        (held(3.0) * 1.0, (3, 3, 0, 0)),
        (-1.0 * held(3.0), (-3, 3, 0, 0)),
        (held(3.0) * 4.0, (12, 12, 0, 0)),
        (0.25 * held(3.0), (0.75, 0.75, 0, TINY)),
        (-0.5 * held(3.0), (-1.5, 1.5, 0, TINY)),
        (held(3.0) * 0.0, (0, 0, 0, 0)),
        (held(6.0) / held(4.0), (1.5, 1.5, 1.5 * U + TINY, 0)),
        (held(6.0) / -4.0, (-1.5, 1.5, 1.5 * U + TINY, 0)),
        (held(1.0, format=FLUSHING) + held(2.0, format=FLUSHING), (3, 3, 3 * U, 3 * 2.0**-126)),
        (held(1.0, format=FLUSHING) * held(3.0, format=FLUSHING), (3, 3, 3 * U, 2 * 2.0**-126)),
    ],
)  # fmt: skip
def test_one_operation_has_the_bound_that_is_worked_by_hand(made, wanted):
    assert shown(made) == wanted


def test_errors_add_and_grow():
    doubt = Rounded(np.array([3.0]), np.array([3.0]), np.array([0.5]), SINGLE, False, 6.0)
    assert shown(doubt + doubt) == (6, 6, 1.0 * (1 + U) + 6 * U, 0)
    assert shown(doubt - 1.0) == (2, 4, 0.5 * (1 + U) + 4 * U, 0)
    # (3 + 0.5)^2 - 9 = 3.25, and one rounding of 9, all of it rounded.
    value, magnitude, error, floor = shown(doubt * doubt)
    assert (value, magnitude) == (9, 9)
    assert 3.25 * (1 + U) + 9 * U - 1e-12 <= error <= (3.25 + 9 * U) * (1 + U) + 1e-12
    assert TINY <= floor <= TINY * (1 + U)
    assert shown(doubt * 2.0) == (6, 6, 1.0, 0)
    # 1 / 2.5 is 0.0667 from 1 / 3.
    assert shown(held(1.0) / doubt)[2] >= 1 / 2.5 - 1 / 3
    assert shown(held(1.0) / doubt)[2] <= 1 / 2.5 - 1 / 3 + 3 * U


def test_a_divisor_that_may_be_zero_leaves_no_claim():
    for error in (3.0, 4.0):
        doubt = Rounded(np.array([3.0]), np.array([3.0]), np.array([error]), SINGLE, False, 9.0)
        assert shown(held(1.0) / doubt)[2] == math.inf
    near = Rounded(np.array([3.0]), np.array([3.0]), np.array([2.5]), SINGLE, False, 9.0)
    assert math.isfinite(shown(held(1.0) / near)[2])


def test_zero_times_what_may_be_infinite_is_no_zero():
    lost = Rounded(np.array([3.0, 1.0]), np.array([3.0, 1.0]), np.array([math.inf, 0.0]), SINGLE,
                   False, 4.0)  # fmt: skip
    assert (lost * 0.0).error.tolist() == [math.inf, 0.0]
    assert (held(3.0, 1.0) * 0.0).error == 0.0


def test_small_factors_lose_what_underflows_and_pass_on_what_was_lost():
    once = held(3.0) * 0.5
    assert once.floor == TINY
    assert (once * 0.5).floor == 1.5 * TINY
    assert (once * 4.0).floor == 4 * TINY
    assert (once + once).floor == 2 * TINY * (1 + U)
    assert shown(once.stored())[2:] == (TINY, 0)
    three = once * held(3.0)  # the other one is at most 6 as far as the bound knows
    assert 3 * TINY <= three.floor - TINY <= 6 * TINY * (1 + U)


def test_a_number_that_is_written_has_its_own_size_again():
    apart = held(3.0) - held(2.0)
    assert shown(apart)[1] == 5
    assert shown(apart.stored())[:3] == (1, 1, 5 * U)
    assert shown(apart.stored(np.array([1.5])))[:3] == (1.5, 1.5, 5 * U)
    twice = apart.stored().rounded_once_more()
    assert shown(twice)[2] == U + 5 * U + SINGLE.smallest_subnormal / 2


def test_sizes_are_looked_at_where_they_come_near_the_largest():
    assert held(1.0).stored().peak == 2.0  # of what was read: room for what a step adds
    large = held(2.0**126)
    assert large.peak == 2.0**127
    assert large.stored().peak == 2.0**126


def test_room_grows_with_sums_and_products():
    assert (held(3.0) + held(5.0)).peak == 16 * (1 + U)
    assert (held(3.0) * held(5.0)).peak == 60 * (1 + U) + TINY
    assert (held(3.0) * 4.0).peak == 24.0
    small = held(2.0**-70) * held(2.0**-70)  # of which what underflows is no small part
    assert small.peak == 2.0**-138 * (1 + U) + small.floor > 2.0**-138 * (1 + U)
    assert (-held(3.0)).peak == 6.0
    assert held(3.0).rounded_once_more().peak == 6.0 * (1 + U)
    twice = FORMATS["float64"]
    assert twice.operation_u_beside_float64 == 2 * twice.operation_u
    assert 2.0**-53 < twice.operation_u < 2.0**-53 * (1 + 2.0**-27)
    beside = Rounded.of(np.array([3.0]), SINGLE) + Rounded.of(np.array([5.0]), SINGLE)
    assert beside.error[0] == 8 * SINGLE.operation_u_beside_float64 > 8 * U


def test_what_may_overflow_has_no_bound_and_leaves_the_others_theirs():
    sums = held(2.0**127, 1.0) + held(2.0**127, 1.0)
    assert sums.error[0] == math.inf
    assert sums.error[1] == 2 * U
    assert sums.peak == 2.0 + 2 * U
    just = held(SINGLE.largest) * 1.0
    assert just.error.tolist() == [0.0]
    assert (held(SINGLE.largest) * 2.0).error.tolist() == [math.inf]


def test_a_hyper_parameter_is_held_as_the_format_or_as_float32_holds_it():
    assert given(0.1).error == abs(float(np.float32(0.1)) - 0.1)
    assert given(0.1, HALF).error == abs(float(np.float16(0.1)) - 0.1)
    third = 1.0 + 2.0**-12  # a tie in float16, which rounds it to 1
    assert given(third, HALF).error == 2.0**-12
    assert given(0.5, HALF).error == 0.0
    assert given(3).value == 3.0
    array = held(0.1, 0.5)
    assert array.error.tolist() == [abs(float(np.float32(0.1)) - 0.1), 0.0]
    assert held(0.25, 0.5).error == 0.0


@pytest.mark.parametrize(("x", "free"), [(0.0, True), (0.5, True), (-4.0, True), (3.0, False),
                                         (0.75, False), (0.1, False)])  # fmt: skip
def test_zero_and_powers_of_two_are_free_factors(x, free):
    assert given(x)._is_free_factor() == free
    assert not held(x)._is_free_factor()


def test_two_powers_of_two_and_a_number_are_exact_in_either_order():
    for made in (given(3.0) * given(0.5), given(0.5) * given(3.0)):
        assert (made.value, made.error, made.floor) == (1.5, 0.0, TINY)
    both = given(3.0) * given(5.0)
    assert (both.value, both.error) == (15.0, 15 * U)


def test_small_numbers_and_none_are_as_large_as_they_are_where_one_looks():
    """Read, written after a step that might have been too large, and beside one that is."""
    small, error = np.array([0.25]), np.array([0.125])
    assert held(0.25).peak == 0.5
    doubted = Rounded(small, small, error, SINGLE, False, 0.75 * SINGLE.largest)
    assert doubted.stored().peak == 0.375
    beside = Rounded(*(np.array([x, np.inf]) for x in (0.25, 0.25, 0.125)), SINGLE, False, np.inf)
    assert (beside.peak, *beside.error) == (0.375, 0.125, np.inf)
    none = np.array([])
    assert held().peak == 0.0
    assert Rounded(none, none, none, SINGLE, False, np.inf).peak == 0.0
    assert Rounded(none, none, none, SINGLE, False, SINGLE.largest).stored().peak == 0.0
