"""Where a grid number fits, every order of evaluation in the format gives the exact value."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import FORMATS, Grid, format_of

few_bits = st.integers(-40, 40).map(lambda k: k / 16)


def rounded_sum(terms, format):
    total = 0.0
    for term in terms:
        total = float(format.round(total + term))
    return total


@pytest.mark.parametrize("dtype", FORMATS)
@given(st.lists(st.tuples(few_bits, few_bits), min_size=1, max_size=4))
def test_grid_that_fits_is_exact_in_every_order_of_summation(dtype, pairs):
    format = format_of(dtype)
    total = sum((Grid.of(a, format) * Grid.of(b, format) for a, b in pairs), Grid.of(0.0, format))
    if not total.fits:
        return
    truth = sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0))
    products = [float(format.round(a * b)) for a, b in pairs]
    assert Fraction(float(total.value)) == truth
    for order in permutations(products):
        assert Fraction(rounded_sum(order, format)) == truth


@pytest.mark.parametrize("dtype", FORMATS)
@given(few_bits, few_bits, few_bits)
def test_grid_that_fits_is_exact_multiplied_out_or_not(dtype, a, b, c):
    format = format_of(dtype)
    result = Grid.of(a, format) * (Grid.of(b, format) - Grid.of(c, format))
    if not result.fits:
        return
    truth = Fraction(a) * (Fraction(b) - Fraction(c))
    together = format.round(a * float(format.round(b - c)))
    apart = format.round(float(format.round(a * b)) - float(format.round(a * c)))
    assert Fraction(float(together)) == Fraction(float(apart)) == truth
    assert Fraction(float(result.value)) == truth


def test_grid_does_not_fit_what_has_to_be_rounded():
    format = format_of("bfloat16")
    one = Grid.of(1.0, format)
    assert bool((one + 2.0**-7).fits)
    assert not bool((one + 2.0**-8).fits)
    assert not bool(Grid.of(0.1, format).fits)
    # 1 + 2^-8 - 1 is exact in one order only.
    assert not bool((one + 2.0**-8 - 1.0).fits)


def test_grid_does_not_fit_beyond_the_range_or_below_the_normal_numbers():
    format = format_of("float16")
    assert bool((Grid.of(32768.0, format) + 16384.0).fits)
    assert not bool((Grid.of(32768.0, format) + 32768.0).fits)
    assert bool((Grid.of(2.0**-7, format) * 2.0**-7).fits)
    assert not bool((Grid.of(2.0**-7, format) * 2.0**-8).fits)


def test_grid_never_fits_again_after_a_rounding():
    format = format_of("bfloat16")
    lost = (Grid.of(1.0, format) + 2.0**-8).stored()
    assert not bool((lost - 2.0**-8).stored().fits)


def test_grid_computes_with_numbers_on_either_side():
    three = Grid.of(3.0, format_of("float32"))
    for result, value, magnitude in (
        (three - 1.0, 2.0, 4.0), (1.0 - three, -2.0, 4.0), (1.0 + three, 4.0, 4.0),
        (0.5 * three, 1.5, 1.5), (-three, -3.0, 3.0),
    ):  # fmt: skip
        assert (float(result.value), float(result.magnitude)) == (value, magnitude)
        assert bool(result.fits)


def test_grid_divides_by_powers_of_two_only():
    format = format_of("float32")
    quotient = Grid.of(np.array([3.0, 3.0, -3.0]), format) / np.array([4.0, 3.0, -0.5])
    assert quotient.fits.tolist() == [True, False, True]
    assert quotient.value[quotient.fits].tolist() == [0.75, 6.0]
    half = (Grid.of(3.0, format) - 1.0) / 2.0  # 3/2 and 1/2, in quanta of 1/2
    assert (float(half.value), float(half.magnitude), float(half.quantum)) == (1.0, 2.0, 0.5)


def test_a_product_is_as_large_as_what_its_factors_were_made_of():
    format = format_of("bfloat16")
    ten = Grid.of(15.0, format) - 5.0  # 20 in all
    assert bool((Grid.of(10.0, format) * 10.0).fits)
    assert bool((ten * 10.0).fits)
    assert not bool((ten * ten).fits)  # 225 + 2 75 + 25 is more than 2^8
