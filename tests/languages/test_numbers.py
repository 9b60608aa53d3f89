"""Decimals stand for numbers of a format where they have all of its digits, and only there."""

import numpy as np
import pytest

from momentum.arithmetic import format_of
from momentum.languages.numbers import meant

DIGITS = {"float64": 17, "float32": 9, "float16": 5, "bfloat16": 4}
"""Source: Steele and White 1990; bfloat16 has 8 bits."""


@pytest.mark.parametrize("dtype", DIGITS)
def test_decimals_with_all_digits_are_the_number(dtype: str) -> None:
    format = format_of(dtype)
    random = np.random.default_rng(5)
    x = format.round(random.standard_normal(500) * 2.0 ** random.integers(-12, 12, 500))
    x = np.concatenate([x, [format.smallest_subnormal, format.largest, -0.0, np.inf]])
    said = np.array([float(f"{v:.{DIGITS[dtype]}g}") for v in x])
    assert meant(said, format).tobytes() == x.tobytes()


@pytest.mark.parametrize("digits", [8, 10, 17])
def test_decimals_of_another_number_stay_what_they_are(digits: int) -> None:
    """A third of the way to the next float32, at 3/4 whose spacing is 2^-24."""
    said = np.array([float(f"{0.75 + k * 2.0**-24 + 2.0**-24 / 3:.{digits}g}") for k in range(50)])
    assert not np.any(format_of("float32").round(said) == said)
    assert meant(said, format_of("float32")).tobytes() == said.tobytes()


@pytest.mark.parametrize("digits", ["3.33007812e-01", "3.33007813e-01"])
def test_ties_of_the_last_digit_may_be_rounded_either_way(digits: str) -> None:
    """341/1024 = 0.3330078125 has ten digits."""
    assert meant(np.array([float(digits)]), format_of("float32")).tolist() == [341 / 1024]
    assert 341 / 1024 not in meant(np.array([3.33007811e-1, 3.33007814e-1]), format_of("float32"))
