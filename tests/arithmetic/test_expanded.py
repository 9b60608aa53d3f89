"""Sums of terms and numbers with slopes, term by term; what a division may be off by."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from momentum.arithmetic import Rounded, exact, format_of, nearest
from momentum.arithmetic.dual import Dual
from momentum.arithmetic.expanded import Compound, Expanded, NotLinear, Term, cancelled, lift
from momentum.arithmetic.expression import number, symbol
from momentum.arithmetic.notation import PLAIN

H, K = Expanded.number("h"), Expanded.number("k")
X, Y = Expanded.array("x"), Expanded.array("y")
ONE_LESS = Compound((Term(1), Term(-1, ("h",))))


@pytest.mark.parametrize(
    ("made", "terms"),
    [
        (X + Y, [Term(1, (), "x", 1), Term(1, (), "y", 1)]),
        (X - Y, [Term(1, (), "x", 1), Term(-1, (), "y", 1)]),
        ((X + Y) + X, [Term(1, (), "x", 2), Term(1, (), "y", 2), Term(1, (), "x", 1)]),
        (X + 0, [Term(1, (), "x")]),
        (0 + X, [Term(1, (), "x")]),
        (1 - H, [Term(1), Term(-1, ("h",))]),
        ((1 - H) + K, [Term(1, (ONE_LESS,)), Term(1, ("k",))]),
        (H + 0, [Term(1, ("h",))]),
        (0 - H, [Term(-1, ("h",))]),
        (lift(1) - 1, []),
        (lift(2) + 3, [Term(5)]),
        (H * K, [Term(1, ("h", "k"))]),
        (2 * H * X, [Term(2, ("h",), "x")]),
        (X * H, [Term(1, ("h",), "x")]),
        (0 * X, []),
        (X * 0, []),
        ((1 - H) * X, [Term(1, (ONE_LESS,), "x")]),
        ((1 - H) * K, [Term(1, (ONE_LESS, "k"))]),
        (H * (X - Y), [Term(1, ("h",), "x", 1), Term(-1, ("h",), "y", 1)]),
        (X / H, [Term(1, (Compound((Term(1, ("h",)),), True),), "x")]),
        (1 / H, [Term(1, (Compound((Term(1, ("h",)),), True),))]),
        (0.5 * X, [Term(1, (0.5,), "x")]),
        (-(X - Y), [Term(-1, (), "x", 1), Term(1, (), "y", 1)]),
    ],
)
def test_terms_are_what_a_machine_would_compute(made, terms):
    assert list(made.terms) == terms


@pytest.mark.parametrize(
    "made",
    [
        lambda: X * Y, lambda: X + 1, lambda: H + X, lambda: X / Y, lambda: H / 0, lambda: bool(X),
        lambda: bool(1 - H), lambda: H == 2, lambda: X == 0, lambda: float(H), lambda: H * "h",
    ],
)  # fmt: skip
def test_what_is_not_linear_is_refused(made):
    with pytest.raises(NotLinear):
        made()


def test_a_name_is_neither_0_nor_1():
    assert H
    assert not lift(0)
    assert (H == 0, H == 1, lift(0) == 0, lift(1) == 1) == (False, False, True, True)


def test_like_terms_are_taken_together_through_sums_of_numbers():
    nudged = X + (Y - (1 - H) * X)
    assert cancelled(nudged.terms) == (Term(1, (), "y"), Term(1, ("h",), "x"))
    assert cancelled((X - X).terms) == ()
    assert cancelled((X / (1 - H)).terms) == (Term(1, (Compound(ONE_LESS.terms, True),), "x"),)


def test_a_variable_has_one_slope():
    a, b = Dual.variable(3.0, 0, 2), Dual.variable(5.0, 1, 2)
    assert (a.slope.tolist(), b.slope.tolist()) == ([[1.0], [0.0]], [[0.0], [1.0]])
    product = a * b * 2 - 1
    assert (product.value, product.slope.tolist()) == (29.0, [[10.0], [6.0]])
    share = 1 / b
    assert share.slope.tolist() == [[0.0], [-0.04]]
    assert (a - b).slope.tolist() == [[1.0], [-1.0]]
    assert (1 - a).slope.tolist() == [[-1.0], [0.0]]


def test_the_nearest_float_beyond_the_largest_is_infinite():
    assert nearest(fmpq(10) ** 400) == math.inf
    assert nearest(-(fmpq(10) ** 400)) == -math.inf


def test_a_product_with_a_number_is_written_without_it():
    a = symbol("a")
    assert a * 1 is a
    assert 1 * a is a
    assert a / 1 is a
    assert (a * 0).is_(0)
    assert PLAIN.text(a - number(Fraction(-2))) == "a - (-2)"
    assert PLAIN.text(number(Fraction(-2)) + a) == "-2 + a"
    assert PLAIN.text(a * number(Fraction(-2))) == "a*(-2)"


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_a_quotient_of_doubtful_numbers_is_within_its_bound_and_no_bound_where_it_may_be_0(name):
    format = format_of(name)
    a, b = Rounded.of(np.array([1.0, 3.0]), format), Rounded.of(np.array([3.0, 0.7]), format)
    doubtful = (a * 0.1 + b) / (b + 0.1)
    exactly = [(exact(x) * exact(0.1) + exact(y)) / (exact(y) + exact(0.1))
               for x, y in zip(a.value, b.value)]  # fmt: skip
    extremes = [
        format.round(
            format.round(format.round(x * format.round(0.1)) + y)
            / format.round(y + format.round(0.1))
        )
        for x, y in zip(a.value, b.value)
    ]
    for i in range(2):
        assert abs(exact(float(extremes[i])) - exactly[i]) <= exact(float(doubtful.error[i]))
        assert doubtful.error[i] < 8 * format.u * abs(doubtful.value[i])
    assert (b / (b - b)).error.tolist() == [math.inf] * 2
