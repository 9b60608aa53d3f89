"""Rationals to and from floats and hexadecimal text."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import exact, exact_array, from_hex, nearest, nearest_array, to_hex


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_and_nearest_undo_each_other(x: float) -> None:
    assert nearest(exact(x)) == x


@given(st.fractions())
def test_exact_keeps_fractions(x: Fraction) -> None:
    got = exact(x)
    assert (int(got.p), int(got.q)) == (x.numerator, x.denominator)


@given(st.fractions(), st.integers(-1100, 1100))
def test_nearest_is_the_closest_float(x: Fraction, power: int) -> None:
    x = x * Fraction(2) ** power
    got = nearest(exact(x))
    if math.isinf(got):
        assert abs(x) >= Fraction(2) ** 1024 - Fraction(2) ** 970
        return
    gap = abs(Fraction(got) - x)
    for other in (math.nextafter(got, math.inf), math.nextafter(got, -math.inf)):
        assert math.isinf(other) or gap <= abs(Fraction(other) - x)


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_exact_refuses_what_is_not_finite(x: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        exact(x)


@given(st.floats())
def test_hex_brings_every_float_back_with_its_sign(x: float) -> None:
    got = from_hex(to_hex(x))
    back = nearest(got) if isinstance(got, fmpq) else got
    assert np.array_equal(back, x, equal_nan=True)
    assert math.isnan(x) or math.copysign(1, back) == math.copysign(1, x)


@given(st.integers(), st.integers(0, 400))
def test_hex_brings_every_dyadic_rational_back(numerator: int, power: int) -> None:
    x = fmpq(numerator, 1 << power)
    assert from_hex(to_hex(x)) == x


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_hex_is_the_text_that_python_writes(x: float) -> None:
    assert float.fromhex(to_hex(exact(x))) == x


@pytest.mark.parametrize("text", ["", "1.5", "0x", "0x1.8q3", "infinite"])
def test_from_hex_refuses_other_text(text: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        from_hex(text)


def test_to_hex_refuses_a_third() -> None:
    with pytest.raises(ValueError, match="dyadic"):
        to_hex(fmpq(1, 3))


def test_exact_array_keeps_the_shape() -> None:
    x = np.arange(6.0).reshape(2, 3) / 8
    assert np.array_equal(nearest_array(exact_array(x)), x)


def test_minus_zero_is_read_as_a_float_with_its_sign():
    for text, sign in (("-0x0.0p+0", -1.0), ("-0x0p-3", -1.0), ("0x0.0p+0", 1.0)):
        assert from_hex(text) == 0
        assert math.copysign(1.0, float(from_hex(text))) == sign
