"""What the oracle costs, beside a plain NumPy loop in float64, with the goal of each number.

Each number is a line: the median over the rounds and its quartiles, and the goal. The loop is what
one writes to get the iterates: v = momentum v + g; x = x - lr v, each x kept.
"""

import tracemalloc
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pytest

import momentum
from momentum.conventions import Hyper
from momentum.oracle import solving

RATES = {"lr": 0.1, "momentum": 0.9}
ROUNDS = 7


def problem(size: int, steps: int) -> tuple[Any, list[Any]]:
    rng = np.random.default_rng(0)
    start, *fed = (rng.normal(size=size).astype(np.float32) for _ in range(steps + 1))
    return start, fed


def loop(start: Any, fed: list[Any], kind: type[np.floating[Any]] = np.float64) -> list[Any]:
    """A subject under the convention `accumulated`."""
    lr, gamma = kind(RATES["lr"]), kind(RATES["momentum"])
    theta, v, seen = start.astype(kind), np.zeros(start.shape, kind), []
    for g in fed:
        v = gamma * v + g
        theta = theta - lr * v
        seen.append(theta)
    return seen


def seconds(work: Callable[[], Any]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


@pytest.mark.benchmark(group="oracle")
@pytest.mark.parametrize("fast", [True, False], ids=["numba", "numpy"])
@pytest.mark.parametrize("size", [1_000_000, 1_000])
def test_oracle_against_a_float64_loop(
    benchmark: Any,
    said: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    fast: bool,
) -> None:
    if fast:
        pytest.importorskip("numba")
        solving._loaded()
    else:
        monkeypatch.setattr(solving, "_compiled", lambda count: None)
    steps = 20
    start, fed = problem(size, steps)
    wide, seen = [g.astype(np.float64) for g in fed], loop(start, fed, np.float32)
    truth = momentum.replay("torch", start, fed, **RATES)
    assert truth.compare(seen).passed
    wrong = [*seen[:-1], seen[-1] + np.float32(2**-10)]
    assert not truth.compare(wrong).passed
    works = {
        "loop": lambda: loop(start, wide),
        "replay": lambda: momentum.replay("torch", start, fed, **RATES),
        "nesterov": lambda: momentum.replay("torch", start, fed, nesterov=True, **RATES),
        "compare": lambda: truth.compare(seen),
    }
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            took[name].append(seconds(work))
    how = f"{size} elements, {steps} steps, {'numba' if fast else 'NumPy'}"
    goals = (1.0, 2.0) if size > 1000 else (3.0, 3.0)
    each = 1e9 / (size * steps)
    said(f"float64 loop, {how}", [each * t for t in took["loop"]], "ns an element and step")
    for name, goal in zip(("replay", "nesterov"), goals):
        ratio = [a / b for a, b in zip(took[name], took["loop"])]
        said(f"{name} / loop, {how}", ratio, "times", goal)
    ratio = [a / b for a, b in zip(took["compare"], took["replay"])]
    said(f"compare / replay, {how}", ratio, "times", 1.5)
    benchmark.pedantic(works["replay"], rounds=1)


@pytest.mark.benchmark(group="oracle")
def test_peak_memory_of_what_is_returned(benchmark: Any, said: Callable[..., None]) -> None:
    start, fed = problem(1_000_000, 5)
    seen = loop(start, fed, np.float32)
    truth = momentum.replay("torch", start, fed, **RATES)
    results: list[tuple[str, Callable[[], Any], int]] = [
        ("replay", lambda: momentum.replay("torch", start, fed, **RATES), 2),
        ("compare", lambda: truth.compare(seen), 3),
    ]
    for name, work, arrays in results:
        tracemalloc.start()
        kept = work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert kept
        returned = arrays * truth.values.nbytes
        said(f"peak memory of {name} / returned", [peak / returned] * 3, "times", 3)
    steps = momentum.stream("torch", start, fed, Hyper(**RATES))
    for truth_values, one in zip(truth.values, steps):
        assert np.array_equal(one.value, truth_values) or np.all(
            np.abs(one.value - truth_values) <= one.bound
        )
    benchmark.pedantic(results[0][1], rounds=1)


@pytest.mark.benchmark(group="exact tier")
@pytest.mark.parametrize("convention", ["torch", "averaged_debiased"])
def test_exact_tier(benchmark: Any, said: Callable[..., None], convention: str) -> None:
    found: dict[int, list[float]] = {}
    for steps in (500, 1000):
        start, fed = problem(64, steps)
        found[steps] = []
        for _ in range(3):
            began = process_time()
            momentum.replay(convention, start, fed, tier="exact", **RATES)
            found[steps].append(process_time() - began)
    said(f"exact tier, {convention}, 64 x 1000", found[1000], "s of one processor", 1.0)
    growth = [b / a for a, b in zip(found[500], found[1000])]
    said(f"exact tier, {convention}, twice the steps", growth, "times", 4.0)
    start, fed = problem(8, 100)
    exact = momentum.replay(convention, start, fed, tier="exact", **RATES)
    fast = momentum.replay(convention, start, fed, **RATES)
    assert np.all(np.abs(fast.values - exact.values) <= fast.bound)
    benchmark.pedantic(lambda: momentum.replay(convention, start, fed, **RATES), rounds=1)
