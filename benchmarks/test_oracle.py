"""What the oracle costs for each element and step, in both tiers."""

from typing import Any

import numpy as np
import pytest

import momentum

HYPER = {"lr": 0.1, "momentum": 0.9}


def problem(size: int, steps: int) -> tuple[Any, list[Any]]:
    rng = np.random.default_rng(0)
    start, *fed = (rng.normal(size=size).astype(np.float32) for _ in range(steps + 1))
    return start, fed


def iterates(start: Any, fed: list[Any]) -> list[Any]:
    """A subject in float32, under the convention `accumulated`."""
    lr, gamma = np.float32(HYPER["lr"]), np.float32(HYPER["momentum"])
    theta, v, seen = start, np.zeros_like(start), []
    for g in fed:
        v = gamma * v + g
        theta = theta - lr * v
        seen.append(theta)
    return seen


@pytest.mark.benchmark(group="oracle, an element and step")
@pytest.mark.parametrize("nesterov", [False, True], ids=["plain", "nesterov"])
def test_oracle_fast(against: Any, nesterov: bool) -> None:
    size, steps = 1_000_000, 5
    start, fed = problem(size, steps)
    fast = against(
        lambda: momentum.replay("torch", start, fed, nesterov=nesterov, **HYPER),
        rounds=5,
        count=size * steps,
        unit="element_step",
        wanted_at_most=20e-9,
    )
    assert fast.compare(iterates(start, fed)).passed is not nesterov


@pytest.mark.benchmark(group="oracle, an element and step")
def test_oracle_fast_comparison(against: Any) -> None:
    size, steps = 1_000_000, 5
    start, fed = problem(size, steps)
    exact, seen = momentum.replay("torch", start, fed, **HYPER), iterates(start, fed)
    found = against(lambda: exact.compare(seen), rounds=5, count=size * steps, unit="element_step")
    assert found.passed
    wrong = [*seen[:-1], seen[-1] + np.float32(2**-12)]
    assert not exact.compare(wrong).passed


@pytest.mark.benchmark(group="oracle, an element and step")
@pytest.mark.parametrize("steps", [100, 500])
def test_oracle_exact(against: Any, steps: int) -> None:
    size = 8
    start, fed = problem(size, steps)
    exact = against(
        lambda: momentum.replay("torch", start, fed, tier="exact", **HYPER),
        rounds=3,
        count=size * steps,
        unit="element_step",
    )
    assert exact.compare(iterates(start, fed)).passed
    fast = momentum.replay("torch", start, fed, **HYPER)
    assert np.all(np.abs(fast.values - exact.values) <= fast.bound)
