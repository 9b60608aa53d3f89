"""Large runs, compiled runs and runs step by step give what a short walk gives."""

from typing import Any

import numpy as np
import pytest

import momentum
from momentum.arithmetic import FORMATS, format_of
from momentum.conventions import CONVENTIONS, Hyper
from momentum.oracle import solving

DTYPES = [*FORMATS, "float32:flushing"]
SLACK = 1 + 2.0**-40
"""A bound is a sum of some dozen float64 products, in an order of the library's own."""


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Turns compiled code on for every size, or off."""
    pytest.importorskip("numba")

    def turn(on: bool) -> None:
        found = solving._loaded() if on else None
        monkeypatch.setattr(solving, "_compiled", lambda count: found)

    return turn


def problem(name: str, dtype: str, size: int = 37, fits: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng([len(name), len(dtype), size])
    takes, steps, format = CONVENTIONS[name.partition(":")[0]].takes, 7, format_of(dtype)
    numbers = [rng.standard_normal(size) for _ in range(steps + 1)]
    start, *grads = [format.round(x) for x in numbers] if fits else numbers
    return {
        "convention": name, "start": start, "gradients": grads, "dtype": dtype,
        "lr": list(rng.uniform(0.01, 1, steps)), "momentum": 0.9, "weight_decay": 0.05,
        "dampening": 0.3 if "dampening" in takes else 0.0, "nesterov": "nesterov" in takes,
        "nu": 0.7 if "nu" in takes else 1.0,
    }  # fmt: skip


def iterates(case: dict[str, Any]) -> list[Any]:
    """Some path near the trajectory."""
    rng, format = np.random.default_rng(5), format_of(case["dtype"])
    values = momentum.replay(**case).values
    return [format.round(x + 2.0**-9 * rng.standard_normal(x.shape)) for x in values]


def assert_alike(one: Any, other: Any) -> None:
    """Two bounds are one but for their own rounding; what they claim nothing for is the same."""
    assert np.array_equal(np.isinf(one), np.isinf(other))
    assert np.all((one <= other * SLACK) & (other <= one * SLACK))


@pytest.mark.parametrize("fits", [True, False], ids=["fits", "rounded"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*CONVENTIONS, "scaled:before", "accumulated:after"])
def test_compiled_code_gives_what_numpy_gives(
    name: str, dtype: str, fits: bool, compiled: Any
) -> None:
    """Values within what the bound allows for float64, bounds but for their own rounding."""
    case = problem(name, dtype, fits=fits)
    path, found = iterates(case), []
    for on in (False, True):
        compiled(on)
        truth = momentum.replay(**case)
        found.append((truth, truth.compare(path)))
    (plain, apart), (swift, measured) = found
    assert_alike(plain.bound, swift.bound)
    assert_alike(apart.step.bound, measured.step.bound)
    # Seven steps of at most eight float64 roundings each, of numbers that momentum adds up.
    own = 7 * 8 * 2.0**-53 * 10 * np.abs(plain.values).max()
    assert np.abs(plain.values - swift.values).max() <= own
    for one, other in zip(apart, measured):
        assert np.abs(one.error - other.error).max() <= 2 * own


@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled_code_leaves_doubtful_numbers_to_the_long_way(dtype: str, compiled: Any) -> None:
    case = problem("accumulated", dtype)
    largest = format_of(dtype).largest
    case["start"][[20, 21]] = 0.9 * largest, -0.6 * largest
    for t, x in ((1, 0.9 * largest), (2, 0.9 * largest), (4, np.inf), (5, np.nan)):
        case["gradients"][t][3 * t] = x
    path = iterates(case)
    path[3][2] = np.nan
    found = []
    for on in (False, True):
        compiled(on)
        truth = momentum.replay(**case)
        found.append((truth.values, truth.bound, *(x for d in truth.compare(path) for x in d)))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*found))


@pytest.mark.parametrize("size", [1_500, 9_000])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_compiled_code_rounds_the_gradients_of_a_run_of_middle_size(
    dtype: str, size: int, compiled: Any
) -> None:
    """Too many numbers to be looked at all at once, in one block and in two."""
    case, bounds = problem("accumulated", dtype, size=size, fits=False), []
    for on in (False, True):
        compiled(on)
        bounds.append(momentum.replay(**case).bound)
    assert_alike(*bounds)


@pytest.mark.parametrize("shown", [False, True], ids=["trajectory", "step"])
@pytest.mark.parametrize("name", ["accumulated", "zero_started"])
def test_compiled_code_sees_a_velocity_overflow_before_the_parameter_shows_it(
    name: str, shown: bool, compiled: Any
) -> None:
    """At lr 1e-30, 0.9 v + g is 0.76 times the largest float32, then 1.08 times, then 0.5."""
    largest = float(np.finfo(np.float32).max)
    gradients = [np.full(3, x * largest) for x in (0.4, 0.4, 0.4, -0.47)]
    case = {"convention": name, "start": np.ones(3), "gradients": gradients, "dtype": "float32"}
    for on in (False, True):
        compiled(on)
        truth = momentum.replay(**case, lr=1e-30, momentum=0.9)
        bound = truth.compare([np.ones(3)] * 4).step.bound if shown else truth.bound
        assert np.isfinite(bound[:2]).all()
        assert np.isinf(bound[2]).all()


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_large_run_is_many_small_ones(name: str, compiled: Any) -> None:
    """Across blocks, in one thread and in several; sizes decide, and nothing else."""
    case = problem(name, "float32", size=9_000)
    compiled(True)
    whole, path = momentum.replay(**case), iterates(case)
    bound = whole.compare(path).step.bound
    for part in (slice(0, 50), slice(8_150, 8_250), slice(8_990, 9_000)):
        cut = {"start": case["start"][part], "gradients": [g[part] for g in case["gradients"]]}
        some = momentum.replay(**(case | cut))
        assert_alike(whole.bound[:, part], some.bound)
        assert_alike(bound[:, part], some.compare([x[part] for x in path]).step.bound)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_stream_is_the_replay_step_by_step(name: str, dtype: str) -> None:
    case = problem(name, dtype)
    case["gradients"][2] = None
    case["gradients"][4][1] = np.nan
    truth = momentum.replay(**case)
    steps = momentum.stream(name, case["start"], case["gradients"], truth.hypers, dtype=dtype)
    for t, (value, bound) in enumerate(steps):
        assert np.array_equal(value, truth.values[t], equal_nan=True)
        assert_alike(bound, truth.bound[t])


def test_a_stream_takes_gradients_as_they_come() -> None:
    asked: list[int] = []

    def coming() -> Any:
        for t in range(3):
            asked.append(t)
            yield np.ones(2)

    steps = momentum.stream("scaled", np.zeros(2), coming(), Hyper(lr=0.5, momentum=0.5))
    assert next(steps).value.tolist() == [-0.5, -0.5]
    assert asked == [0]
    assert next(steps).value.tolist() == [-1.25, -1.25]
