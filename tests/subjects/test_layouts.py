"""NumPy arrays in every memory layout: the same numbers, and memory as the name says."""

import numpy as np
import pytest

from momentum.subjects.layouts import GAP, between, laid_out
from momentum.subjects.protocol import LAYOUTS

SHAPES = [(), (0,), (5,), (2, 3), (2, 3, 4, 5), (2, 3, 4, 5, 2)]


def numbers(shape):
    return np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) + 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("gradient", [False, True])
def test_a_layout_holds_the_numbers_in_memory_of_its_own(layout, shape, gradient):
    for values in (numbers(shape), np.ones(shape, np.float32)):
        got = laid_out(values, layout, gradient)
        assert (got.shape, got.dtype) == (values.shape, values.dtype)
        assert np.array_equal(got, values)
        assert not np.shares_memory(got, values)


@pytest.mark.parametrize(
    ("layout", "shape", "order"),
    [
        ("contiguous", (2, 3, 4, 5), (0, 1, 2, 3)),
        ("transposed", (2, 3), (1, 0)),
        ("channels_last", (2, 3, 4, 5), (0, 2, 3, 1)),
        ("channels_last_3d", (2, 3, 4, 5, 2), (0, 2, 3, 4, 1)),
        ("channels_last", (2, 3, 4), (0, 1, 2)),
    ],
)
def test_axes_lie_in_the_order_of_the_layout(layout, shape, order):
    """order: the axes from the slowest to the fastest."""
    strides = laid_out(numbers(shape), layout).strides
    assert list(np.argsort(strides, kind="stable")[::-1]) == list(order)


def test_a_strided_array_has_other_numbers_between_its_own():
    got = laid_out(numbers((2, 3)), "strided")
    assert got.strides == (24, 8)
    assert between(got).tolist() == [GAP] * 6


@pytest.mark.parametrize("shape", [(2, 3), (3,), (), (0, 2)])
def test_an_offset_array_lies_densely_between_two_numbers(shape):
    got = laid_out(numbers(shape), "offset")
    assert got.flags.c_contiguous
    assert got.tolist() == numbers(shape).tolist()
    assert got.base.tolist() == [GAP, *got.ravel().tolist(), GAP]
    got[...] = 1.0
    assert between(got).tolist() == [GAP, GAP]


def test_a_gradient_of_one_number_may_be_that_number_seen_many_times():
    ones = np.ones((2, 3))
    assert laid_out(ones, "expanded", gradient=True).strides == (0, 0)
    assert laid_out(ones, "expanded").strides == (24, 8)
    assert laid_out(numbers((2, 3)), "expanded", gradient=True).strides == (12, 4)
    assert laid_out(ones, "contiguous", gradient=True).strides == (24, 8)


def test_an_unknown_layout_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="unknown layout 'odd': known are contiguous, "):
        laid_out(np.ones(2), "odd")
