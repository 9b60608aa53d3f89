"""Numbers made of square roots: a field, in order, rounded once."""

import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from momentum.arithmetic import exact, nearest
from momentum.arithmetic.surd import Surd, new_root, root

FIVE = new_root(fmpq(5), None)
GOLDEN = (FIVE - 1) / 2
NESTED = new_root(GOLDEN, GOLDEN.radical)


def drawn(rng: random.Random) -> Any:
    """A number of the field of both roots; one in some is rational."""
    part = lambda: fmpq(rng.choice([0, 0, 1, -1, 3, -7]), rng.randint(1, 9))  # noqa: E731
    return part() + part() * FIVE + part() * NESTED + part() * FIVE * NESTED


def enclosed(x: Any) -> arb:
    """The number by enclosures, from what it is made of."""
    if not isinstance(x, Surd):
        return arb(exact(x))
    return enclosed(x.a) + enclosed(x.b) * enclosed(x.radical.value).sqrt()


def test_numbers_with_roots_form_an_ordered_field() -> None:
    rng = random.Random(5)
    for _ in range(200):
        x, y, z = (drawn(rng) for _ in range(3))
        assert x * (y + z) == x * y + x * z
        assert (x * y) * z == x * (y * z)
        assert x - x == 0
        assert isinstance(x - x, fmpq)
        if y != 0:
            assert x / y * y == x
            assert x / y == x * y**-1
        assert (x < y) + (x > y) + (x == y) == 1
        assert (x <= y) == (not y < x)
        assert abs(x) >= 0
        if x == y:
            assert hash(x) == hash(y)
        with ctx.workprec(200):
            for exactly, ball in (
                (x + y, enclosed(x) + enclosed(y)),
                (x * y, enclosed(x) * enclosed(y)),
            ):
                assert enclosed(exactly).overlaps(ball)


def test_a_square_has_the_root_that_it_was_made_of() -> None:
    rng = random.Random(6)
    for _ in range(200):
        x = drawn(rng)
        found = root(x * x, NESTED.radical)
        assert found in (x, -x)
    assert root(fmpq(9, 4)) == fmpq(3, 2)
    assert root(fmpq(5), FIVE.radical) == FIVE
    assert root(fmpq(20, 9), FIVE.radical) == 2 * FIVE / 3
    for number in (fmpq(3), -fmpq(5), GOLDEN, 3 - 7 * FIVE):
        assert root(number, FIVE.radical) is None


def test_golden_section_is_what_it_solves() -> None:
    assert GOLDEN * GOLDEN + GOLDEN == 1
    assert 1 / GOLDEN == 1 + GOLDEN
    assert fmpq(3, 2) - (GOLDEN - fmpq(1, 2)) == 2 - GOLDEN
    assert exact(GOLDEN) is GOLDEN
    assert str(GOLDEN) == "(sqrt(5) - 1)/2"
    assert str(NESTED) == "sqrt((sqrt(5) - 1)/2)"
    assert str(FIVE * NESTED) == "(sqrt(5))*sqrt((sqrt(5) - 1)/2)"
    assert str(2 + FIVE * NESTED) == "2 + (sqrt(5))*sqrt((sqrt(5) - 1)/2)"
    assert str(FIVE * NESTED - FIVE) == "-sqrt(5) + (sqrt(5))*sqrt((sqrt(5) - 1)/2)"
    assert str(-NESTED / 3) == "-sqrt((sqrt(5) - 1)/2)/3"
    assert str(-3 * FIVE / 2 - 4) == "(-8 - 3*sqrt(5))/2"
    row = np.array([fmpq(1), GOLDEN], dtype=object)
    assert list(row * GOLDEN) == list(GOLDEN * row) == [GOLDEN, 1 - GOLDEN]


def test_numbers_are_rounded_to_the_nearest_float() -> None:
    """No other float is as near: exact distances."""
    rng = random.Random(7)
    numbers = [drawn(rng) for _ in range(100)]
    numbers += [NESTED * fmpq(2) ** k for k in (-1090, -1074, -1040, 900)]
    numbers += [fmpq(math.isqrt(5 * 4**300), 2**300) - FIVE]  # all digits cancel
    for x in numbers:
        y = nearest(x)
        for other in (math.nextafter(y, -math.inf), math.nextafter(y, math.inf)):
            assert abs(x - exact(y)) <= abs(x - exact(other))
    assert nearest(FIVE * fmpq(2) ** 1023) == math.inf
    assert nearest(-FIVE * fmpq(2) ** 1023) == -math.inf


def test_numbers_of_different_roots_do_not_meet() -> None:
    with pytest.raises(ValueError, match="different square roots"):
        FIVE + new_root(fmpq(3), None)
    with pytest.raises(ValueError, match="different square roots"):
        new_root(fmpq(3), None) + FIVE
    with pytest.raises(TypeError):
        FIVE + Fraction(1, 2)


def test_a_number_is_neither_less_nor_more_than_itself() -> None:
    x = new_root(fmpq(2), None)
    twin = new_root(fmpq(2), None)
    assert x <= twin
    assert x >= twin
    assert not x < twin
    assert not x > twin
    assert not x <= 1
    assert not x >= 2


def test_whole_powers_are_products_and_their_quotients():
    x = 1 + FIVE
    assert x**0 == 1
    assert x**1 == x
    assert x**2 == x * x == 6 + 2 * FIVE
    assert x**-1 * x == 1
    assert x**-2 * x * x == 1


def test_squares_are_taken_out_of_a_root() -> None:
    for x, part, rest in ((8, 2, 2), (18, 3, 2), (fmpq(7, 12), fmpq(1, 6), 21), (361 * 5, 19, 5)):
        made = new_root(fmpq(x), None)
        assert (made.b, made.radical.value) == (part, rest)
        assert made * made == x
