"""Numbers of some hundred digits: a field in which what is close is equal."""

import pytest
from flint import arb, fmpq, fmpz

from momentum.arithmetic.near import BITS, DIGITS, Near

TWO = Near.of(fmpq(2))
ROOT = TWO.root()


def test_roots_and_rationals_compute_as_numbers_do():
    assert ROOT * ROOT == 2
    assert ROOT**2 == TWO
    assert (1 + ROOT) * (ROOT - 1) == 1
    assert 1 - ROOT == -(ROOT - 1)
    assert 2 / ROOT == ROOT == ROOT / 1
    assert ROOT / ROOT == fmpq(1) == ROOT + (1 - ROOT)
    assert 3 * ROOT == ROOT + ROOT + ROOT
    assert ROOT + fmpz(1) == fmpq(1) + ROOT
    assert ROOT != fmpq(141421356, 100000000)
    assert ROOT**3 == 2 * ROOT


def test_numbers_are_ordered_and_equal_ones_are_not_less():
    assert 1 < ROOT < 2
    assert fmpq(3, 2) > ROOT > fmpq(7, 5)
    assert not ROOT < ROOT * 1
    assert ROOT <= ROOT * 1
    assert ROOT >= ROOT * 1
    assert not ROOT > ROOT * 1
    assert abs(-ROOT) == ROOT == abs(ROOT)
    assert float(ROOT) == 2**0.5


def test_what_is_closer_than_the_digits_is_equal_and_what_is_not_is_not():
    tiny = fmpq(1, fmpz(10) ** (DIGITS + 5))
    assert ROOT + tiny == ROOT
    assert ROOT + tiny * 10**10 != ROOT
    assert not ROOT < ROOT + tiny
    assert ROOT < ROOT + tiny * 10**10


def test_division_by_what_is_zero_is_refused():
    nothing = ROOT * ROOT - 2
    for divide in (lambda: ROOT / 0, lambda: 1 / nothing, lambda: ROOT / nothing):
        with pytest.raises(ZeroDivisionError):
            divide()


def test_others_are_told_apart():
    assert ROOT != "2"
    with pytest.raises(TypeError):
        ROOT + "2"
    assert isinstance(ROOT.ball, arb)
    assert BITS > DIGITS * 4
