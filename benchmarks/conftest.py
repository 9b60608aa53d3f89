"""Timings run on request: `pytest --benchmark-only`, or `pytest benchmarks`; plain `pytest` leaves
them out, and `--benchmark-only` leaves the tests out."""

from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    """Of the configured folders keep this one, or the others; leave alone what was asked for."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        only = config.getoption("benchmark_only", default=False)
        folder = config.rootpath
        config.args = [arg for arg in config.args if ((folder / arg).resolve() == HERE) is only]


Measure = Callable[..., Any]

Said = Callable[..., None]


@pytest.fixture
def said(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> Said:
    """Writes a number's line, and keeps it with the benchmark: median, quartiles and goal."""

    def say(what: str, values: list[float], unit: str, goal: float | None = None) -> None:
        low, mid, high = quantiles(values, n=4) if len(values) > 1 else 3 * values
        benchmark.extra_info |= {
            what: {"median": mid, "quartiles": (low, high), "unit": unit, "goal": goal}
        }
        wanted = "" if goal is None else f", goal {goal:g}"
        with capsys.disabled():
            print(f"\n  {what}: {mid:.3g} {unit} ({low:.3g} to {high:.3g}){wanted}", end="")

    return say


@pytest.fixture
def against(benchmark: Any, said: Said) -> Measure:
    """Time a subject, with the reference timed in turn, round by round.

    against(subject, reference, rounds=..., count=..., unit=..., what=...): `count` is how many of
    the unit (epochs, steps) one call makes. Into extra_info go the seconds for one of them, and the
    median over the rounds of subject time / reference time, which is `what` in a line of its own.
    """

    def measure(
        subject: Callable[[], Any],
        reference: Callable[[], Any] | None = None,
        *,
        rounds: int,
        count: float,
        unit: str,
        what: str,
        goal: float | None = None,
        **facts: Any,
    ) -> Any:
        theirs: list[float] = []

        def in_turn() -> None:
            if reference is not None:
                begin = perf_counter()
                reference()
                theirs.append(perf_counter() - begin)

        result = benchmark.pedantic(subject, setup=in_turn, rounds=rounds, warmup_rounds=1)
        benchmark.extra_info |= facts | {f"{unit}s_per_round": count}
        if benchmark.stats is not None:  # None under --benchmark-disable
            ours = benchmark.stats.stats.data
            benchmark.extra_info[f"seconds_per_{unit}"] = median(ours) / count
            if theirs:
                said(what, [a / b for a, b in zip(ours, theirs[-len(ours) :])], "times", goal)
        return result

    return measure
