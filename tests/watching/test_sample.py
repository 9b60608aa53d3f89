"""Which coordinates are watched, and the stated chances against what draws really miss."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from momentum.watching.sample import BLOCK, budgets, draw, odds

DRAWS = 4000


@pytest.mark.parametrize("size", [0, 1, 2, 1023, 1024, 1025, 100_000])
@pytest.mark.parametrize("budget", [1, 40, 1000, "all"])
def test_samples_are_ascending_and_hold_both_ends(size: int, budget: Any) -> None:
    indices = draw(size, budget, np.random.default_rng(0))
    assert all(a < b for a, b in itertools.pairwise(indices))
    assert len(indices) == size if budget == "all" else len(indices) <= max(budget, 1)
    if size and budget != 1:
        assert {0, size - 1} <= set(indices.tolist())
    assert set(indices.tolist()) <= set(range(size))


def test_budgets_give_small_tensors_all_and_every_tensor_some() -> None:
    assert budgets([10, 1000, 20], 100) == [10, 70, 20]
    assert budgets([5, 5, 5], 2) == [1, 1, 1]
    assert budgets([5, 5], "all") == ["all", "all"]


@pytest.mark.parametrize(("size", "budget"), [(5000, 60), (9000, 1000), (3001, 44), (70_000, 100)])
@pytest.mark.parametrize("draws", [1, 5])
def test_odds_are_what_draws_really_miss(size: int, budget: int, draws: int) -> None:
    generator = np.random.default_rng(1)
    elements = blocks = 0.0
    rounds = DRAWS // draws
    for _ in range(rounds):
        seen = np.zeros(size, dtype=bool)
        for _ in range(draws):
            seen[draw(size, budget, generator)] = True
        elements += float(np.mean(~seen))
        blocks += float(np.mean(~np.logical_or.reduceat(seen, np.arange(0, size, BLOCK))))
    stated = odds(size, budget, draws)
    # Hoeffding: the mean of n numbers in [0, 1] is off by more with a chance below 1e-9.
    off = math.sqrt(math.log(2e9) / (2 * rounds))
    assert abs(elements / rounds - stated.elements / size) <= off
    assert abs(blocks / rounds - stated.blocks / -(-size // BLOCK)) <= off


def test_nothing_is_missed_where_everything_is_looked_at() -> None:
    assert odds(100, 100) == odds(100, "all") == (0.0, 0.0)


def test_an_element_is_missed_as_often_as_it_is_not_drawn() -> None:
    # 2048 elements, 41 fixed by hand: none. With a budget of 1 only the first is ever looked at.
    assert odds(2048, 1) == (2047.0, 1.0)
