"""The machine's numbers round as the formats' own operations do."""

import operator

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import exact, format_of, nearest
from momentum.gallery.machine.number import Number, Working, fused_multiply_add, towards_zero

NATIVE = {"float32": np.float32, "float16": np.float16}
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]


def floats(width):
    return st.floats(width=width, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("name", NATIVE)
@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_number_rounds_as_numpy_does(name, operation, data):
    native, working = NATIVE[name], Working()
    a, b = (native(data.draw(floats(np.dtype(native).itemsize * 8))) for _ in range(2))
    with np.errstate(all="ignore"):
        wanted = np.float64(operation(a, b))
        got = operation(working.number(float(a), name), working.number(float(b), name))
    assert np.array_equal(got.value, wanted, equal_nan=True)


def rounded_once(a, b, c, format):
    """a b + c, exactly, then to the nearest number of a format of 8, 11 or 24 bits."""
    value = exact(a) * exact(b) + exact(c)
    close = nearest(value)
    for x in (close, np.nextafter(close, -np.inf), np.nextafter(close, np.inf)):
        low, high = float(format.round(np.nextafter(x, -np.inf))), float(format.round(x))
        if low != high and exact(low) <= value <= exact(high):
            half = (exact(low) + exact(high)) / 2
            if value != half:
                return low if value < half else high
    return float(format.round(close))


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
@given(data=st.data())
def test_fused_multiply_add_rounds_once(name, data):
    format = format_of(name)
    draw = st.floats(-8, 8, width=32).map(lambda x: float(format.round(x)))
    a, b, c = (data.draw(draw) for _ in range(3))
    working = Working(fused=True)
    product = working.number(a, name) * working.number(b, name)
    assert float((product + working.number(c, name)).value) == rounded_once(a, b, c, format)


@given(a=st.floats(-8, 8), data=st.data())
def test_fused_multiply_add_of_a_float64_hyper_parameter_rounds_once(a, data):
    half, single = format_of("float16"), format_of("float32")
    draw = st.floats(-8, 8, width=16).map(lambda x: float(half.round(x)))
    b, c = data.draw(draw), data.draw(draw)
    working = Working(fused=True, inside=True)
    product = working.hyper(a, "float16") * working.number(b, "float16")
    fused = product + working.number(c, "float16")
    assert float(fused.value) == rounded_once(a, b, c, single)


@given(a=st.floats(-8, 8), b=st.floats(-8, 8), c=st.floats(-8, 8))
def test_fused_multiply_add_in_float64_is_off_by_less_than_two_roundings_of_the_result(a, b, c):
    value = exact(a) * exact(b) + exact(c)
    error = abs(exact(float(fused_multiply_add(a, b, c))) - value)
    # 2^-52 |result|; 2^-1022 where the error of a product is itself subnormal
    assert error <= fmpq(1, 2**52) * abs(value) + exact(2.0**-1022)


@pytest.mark.parametrize("width", [32, 64])
@given(data=st.data())
def test_rounding_to_odd_takes_the_odd_one_of_both_neighbours(width, data):
    a = data.draw(st.floats(1, 8, width=width))
    b, c = (data.draw(st.floats(-8, 8, width=32)) for _ in range(2))
    value = exact(a) * exact(b) + exact(c)
    got = np.asarray(fused_multiply_add(*map(np.asarray, (a, b, c)), "odd"))
    off = abs(exact(float(got)) - value)
    if off and abs(value) > exact(2.0**-900):
        assert int(got.view(np.int64)) & 1
        assert off < exact(float(np.spacing(np.abs(got))))


def test_fused_multiply_add_keeps_what_the_product_alone_would_lose():
    a = 1 + 2.0**-12
    working = Working(fused=True)
    product = working.number(a, "float32") * working.number(a, "float32")
    fused = product - (1 + 2.0**-11)
    separate = Number(product.value, product.round) - (1 + 2.0**-11)
    assert float(fused.value) == 2.0**-24
    assert float(separate.value) == 0.0


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
@given(x=st.floats(-1e4, 1e4))
def test_towards_zero_never_grows_and_is_next_to_nearest(name, x):
    format = format_of(name)
    got = float(towards_zero(format)(np.asarray(x)))
    assert abs(got) <= abs(x)
    spacing = max(2 * format.u * abs(x), format.smallest_subnormal)
    assert abs(x) - abs(got) <= spacing


def test_hyper_kept_in_float64_is_rounded_with_the_array_only():
    wide, plain = Working(wide_hyper=True), Working()
    tau = 1 - 2.0**-30
    assert float((1 - wide.hyper(tau, "float32")).value) == 2.0**-30
    assert float((1 - plain.hyper(tau, "float32")).value) == 0.0
