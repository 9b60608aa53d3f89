"""Ordinary numbers go the quick way of the arithmetic, which gives what the long one gives."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq, fmpz
from ordinary import told

from momentum.arithmetic import FORMATS, Format, Rounded, dyadic

BFLOAT16, SINGLE = FORMATS["bfloat16"], FORMATS["float32"]


@pytest.mark.parametrize(
    ("x", "slowly"),
    [
        ([1.0, -0.3, 0.0, 1e30], False),
        ([BFLOAT16.smallest_normal, BFLOAT16.largest, -BFLOAT16.largest], False),
        ([1.0, BFLOAT16.smallest_normal / 2], True),
        ([1.0, np.nextafter(BFLOAT16.largest, np.inf)], True),
        ([np.inf], True),
        ([np.nan], True),
    ],
)
def test_the_slow_rounding_is_for_what_is_not_normal(
    x: list[float], slowly: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = told(monkeypatch, Format, "_round_any", lambda self, x: x.size)
    rounded = BFLOAT16.round(np.array(x))
    assert slow == [len(x)] * slowly
    assert np.array_equal(rounded, BFLOAT16._round_any(np.array(x)), equal_nan=True)


def test_what_numpy_rounds_is_rounded_by_numpy_and_float64_is_not_rounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = told(monkeypatch, Format, "_round_normal", lambda self, x: self.name)
    x = np.array([0.1, 1e-45, np.inf])
    for name, format in FORMATS.items():
        assert (format.round(x) is x) is (format.cast(x) is x) is (name == "float64")
    assert own == ["bfloat16"] * 2
    with np.errstate(all="ignore"):
        for name in ("float32", "float16"):
            assert np.array_equal(FORMATS[name].round(x), FORMATS[name]._round_any(x))


@pytest.mark.parametrize("kind", [np.ones(2), 1.5])
def test_what_is_added_0_or_multiplied_by_1_is_what_it_was(kind: Any) -> None:
    x = Rounded.of(kind, SINGLE)
    for same in (x + 0.0, 0.0 + x, x - 0.0, x * 1.0, 1.0 * x, x._lift(x)):
        assert same is x


def test_digits_are_moved_only_where_the_powers_differ() -> None:
    x, y = dyadic.Dyadic(fmpz(3), 2), dyadic.Dyadic(fmpz(5), 2)
    digits, other, exponent = x._aligned(y)
    assert digits is x.digits
    assert other is y.digits
    assert exponent == 2
    assert x._aligned(dyadic.Dyadic(fmpz(5), 0)) == (3, 20, 2)
    assert dyadic.Dyadic(fmpz(5), 0)._aligned(x) == (20, 3, 2)
    assert dyadic.Dyadic.of(x) is x


@pytest.mark.parametrize(
    ("digits", "power", "way"),
    [
        (3, 5, "shifted"),
        (3, 0, "shifted"),
        (3, -1, "scaled"),
        (2**60 + 1, -1058, "scaled"),
        (2**999 - 1, -990, "scaled"),
        (2**999, -990, "divided"),
        (3, -1002, "divided"),
        (3, -1001, "scaled"),
        (1, -1074, "divided"),
    ],
)
def test_a_float_is_scaled_where_scaling_does_not_round(
    digits: int, power: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaled: list[int] = []
    ldexp = math.ldexp
    counted = SimpleNamespace(ldexp=lambda x, p: (scaled.append(p), ldexp(x, p))[1], inf=math.inf)
    monkeypatch.setattr(dyadic, "math", counted)
    found = dyadic._float(digits, power)
    assert bool(scaled) is (way == "scaled")
    assert found == (float(digits << power) if power >= 0 else digits / (1 << -power))


def test_balls_that_decide_are_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    split = told(monkeypatch, dyadic, "_split", lambda digits, power: digits)
    with dyadic.Precision(256):
        third = arb(1) / 3
        value, left = dyadic._split_ball(third)
        assert (value, split) == (1 / 3, [])
        assert left == float(third - 1 / 3)
        assert dyadic._split_ball(arb(0.75)) == (0.75, 0.0)
        assert split == []
        for near in (1.0, 1.5):
            tie = arb(near) + arb(2) ** -53
            assert dyadic._split_ball(tie) == (near, 2.0**-53)
            with pytest.raises(dyadic.Undecided):
                dyadic._split_ball(tie + arb(0, 2.0**-100))
        assert len(split) == 2


def test_a_number_is_rounded_by_its_first_bits_unless_they_do_not_decide(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = told(monkeypatch, dyadic, "_divided", lambda digits, power: digits.bit_length())
    long = dyadic.Dyadic.of(np.array([0.1])) * 0.3
    for _ in range(6):
        long = long * 0.7
    dyadic.rounded(long, 1)
    assert calls == [dyadic._BITS]
    calls.clear()
    tie = dyadic.Dyadic.of(1.0) + 2.0**-53 + 2.0**-400
    dyadic.rounded(tie, 1)
    assert calls == [dyadic._BITS, 401]
    calls.clear()
    dyadic.rounded(dyadic.Dyadic.of(np.array([0.1])), 1)
    assert len(calls) == 1
    calls.clear()
    dyadic._split(fmpz(2**dyadic._BITS + 2**100 + 2**20), 0)  # one digit more than decides
    assert calls == [dyadic._BITS]


def test_0_and_1_stay_what_they_are_where_they_cost_nothing() -> None:
    for one in (dyadic.scalar, dyadic.ball):
        for x in (0, 1, 0.0, 1.0):
            assert (type(one(x)), one(x)) == (int, int(x))
        for x in (0.5, 2, fmpq(1)):
            assert not isinstance(one(x), int)
