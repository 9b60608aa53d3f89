"""Numbers of some hundred digits: a field in which what is close is equal."""

import pytest
from flint import arb, fmpq, fmpz

from momentum.arithmetic.near import BITS, DIGITS, Near

two = Near.of(fmpq(2))
root = two.root()


def test_roots_and_rationals_compute_as_numbers_do():
    assert root * root == 2
    assert root**2 == two
    assert (1 + root) * (root - 1) == 1
    assert 1 - root == -(root - 1)
    assert 2 / root == root == root / 1
    assert root / root == fmpq(1) == root + (1 - root)
    assert 3 * root == root + root + root
    assert root + fmpz(1) == fmpq(1) + root
    assert root != fmpq(141421356, 100000000)
    assert root**3 == 2 * root


def test_numbers_are_ordered_and_equal_ones_are_not_less():
    assert 1 < root < 2
    assert fmpq(3, 2) > root > fmpq(7, 5)
    assert not root < root * 1
    assert root <= root * 1
    assert root >= root * 1
    assert not root > root * 1
    assert abs(-root) == root == abs(root)
    assert abs(root / 4) == root / 4
    assert float(root) == 2**0.5


def test_what_is_closer_than_the_digits_is_equal_and_what_is_not_is_not():
    tenth = fmpq(1, fmpz(10) ** (DIGITS + 1))
    assert root + tenth * 9 == root
    assert root + tenth * 11 != root
    assert not root < root + tenth * 9
    assert root < root + tenth * 11


def test_division_by_what_is_zero_is_refused():
    nothing = root * root - 2
    for divide in (lambda: root / 0, lambda: 1 / nothing, lambda: root / nothing):
        with pytest.raises(ZeroDivisionError):
            divide()


def test_others_are_told_apart():
    assert root != "2"
    with pytest.raises(TypeError):
        root + "2"
    assert isinstance(root.ball, arb)
    assert BITS > DIGITS * 4
