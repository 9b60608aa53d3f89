"""Ordinary numbers go through compiled code, in as few calls as can be, and no others do."""

from functools import cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from ordinary import SIZE, STEPS, Told, fed, solved

from momentum.arithmetic import FORMATS, format_of
from momentum.conventions import CONVENTIONS, Convention, Hyper, State
from momentum.oracle import replay, solving
from momentum.oracle.solving import Solving


def test_compiled_code_is_loaded_for_many_numbers_and_used_for_some_once_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @cache
    def loaded() -> str:
        return "code"

    monkeypatch.setattr(solving, "_loaded", loaded)
    assert solving._compiled(solving._MANY - 1) is None
    assert loaded.cache_info().currsize == 0
    assert solving._compiled(solving._MANY) == "code"
    assert solving._compiled(solving._SOME) == "code"
    assert solving._compiled(solving._SOME - 1) is None


def test_compiled_code_is_asked_for_where_it_can_take_all_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(solving, "_compiled", lambda count: asked.append(count) or "code")

    def kernels_of(*args: Any, **more: Any) -> Any:
        return solved(*args, **more).kernels

    assert kernels_of(fed()) == "code"
    assert asked == [SIZE * STEPS]
    assert kernels_of([*fed(), None]) is None
    assert kernels_of(fed(), tier="exact") is None
    assert kernels_of(None) is None
    assert len(asked) == 1


class Twice(NamedTuple):
    """A state of two velocities."""

    v: Any = 0
    w: Any = 0


def test_compiled_code_is_for_rules_with_one_velocity(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(theta: Any, grad: Any, state: State, h: Hyper) -> tuple[Any, State]:
        return theta - h.lr * grad, state

    def two(theta: Any, grad: Any, state: Twice, h: Hyper) -> tuple[Any, Twice]:
        v = h.momentum * state.v + grad
        w = h.momentum * state.w + v
        return theta - h.lr * w, Twice(v, w)

    monkeypatch.setattr(solving, "_compiled", lambda count: "code")
    for convention in (
        Convention(name="none", rule=none),
        Convention(name="two", rule=two, initial=Twice()),
    ):
        run = solved(fed(), convention=convention)
        assert run.linear
        assert run.kernels is None
        run.run()


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Calls of compiled code, and walks by NumPy, in order: what each was told to look at."""
    code = pytest.importorskip("momentum.oracle.compiled")
    calls: Told = []

    def kept(name: str, place: int | None) -> Any:
        def called(*args: Any) -> Any:
            calls.append(name if place is None else (name, bool(args[place])))
            return getattr(code, name)(*args)

        return called

    places = {"walk": 2, "take": 2, "move": None, "distance": None}
    module = SimpleNamespace(**{n: kept(n, place) for n, place in places.items()})
    monkeypatch.setattr(solving, "_compiled", lambda count: module)
    numpy_walk = Solving._walk
    monkeypatch.setattr(
        Solving, "_walk", lambda self, block: (calls.append("numpy"), numpy_walk(self, block))[0]
    )
    return calls


DTYPES = [*FORMATS, "float32:flushing"]
SLACK = 1 + 2.0**-40
"""The same sum of float64 products in another order."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_small_run_of_ordinary_numbers_is_one_call_of_compiled_code(
    name: str, dtype: str, kernel: Told
) -> None:
    truth = replay.replay(name, np.ones(SIZE), fed(), lr=0.1, momentum=0.9, dtype=dtype)
    assert kernel == [("walk", False)]
    kernel.clear()
    truth.compare(list(truth.values))
    step = [("take", False), "distance", "distance"]
    assert kernel == step + ["move", *step] * (STEPS - 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_that_are_not_the_formats_own_go_the_long_way_if_they_are_few(
    dtype: str, kernel: Told
) -> None:
    case = {"lr": 0.1, "momentum": 0.9, "dtype": dtype}
    replay.replay("accumulated", np.ones(SIZE), [g / 3 for g in fed()], **case)
    assert kernel == ([("walk", False)] if dtype == "float64" else ["numpy"])


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_numbers_are_looked_at_on_the_way_where_the_format_is_float32(
    dtype: str, kernel: Told
) -> None:
    """In two blocks; by one that has fewer digits they are rounded first, in NumPy."""
    size = solving._FEW + 2
    case = {"lr": 0.1, "momentum": 0.9, "dtype": dtype}
    replay.replay("accumulated", np.ones(size), fed(2, size), **case)
    look = dtype.startswith("float32")
    assert kernel == [("take", look)] * 4
    kernel.clear()
    replay.replay("accumulated", np.ones(size), fed(2, size, np.float32), **case)
    assert kernel == [("take", dtype == "float32:flushing")] * 4
    kernel.clear()
    replay.replay("accumulated", np.ones(size), [g / 3 for g in fed(2, size)], **case)
    swift = look or dtype == "float64"
    assert kernel == ([("take", look)] * 4 if swift else ["numpy"] * 2)


def test_a_run_of_middle_size_is_looked_at_within_one_call(kernel: Told) -> None:
    """Too many to be looked through beforehand, few enough for one block."""
    size = solving._FEW // 2
    for dtype in ("float32", "float64"):
        replay.replay("accumulated", np.ones(size), fed(3, size), lr=0.1, dtype=dtype)
    assert kernel == [("walk", True), ("walk", False)]
    kernel.clear()
    replay.replay("accumulated", np.ones(solving._FEW), fed(1, solving._FEW), lr=0.1)
    assert kernel == [("walk", False)]


@pytest.mark.parametrize("part", [0.2, 0.9])
@pytest.mark.parametrize("place", ["start", "gradient", "velocity"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_near_the_largest_alone_leave_compiled_code(
    dtype: str, place: str, part: float, kernel: Told
) -> None:
    start, gradients = np.ones(SIZE), fed()
    big, half = format_of(dtype).round(np.array([1.0, 1 / 1.9]) * part * format_of(dtype).largest)
    if place == "start":
        start[3] = big
    elif place == "gradient":
        gradients[2][3] = big
    else:  # v reaches it from two gradients
        gradients[1][3] = gradients[2][3] = half
    replay.replay("accumulated", start, gradients, lr=1e-3, momentum=0.9, dtype=dtype)
    assert kernel == [("walk", False)] + ["numpy"] * (part > 0.5)


@pytest.mark.parametrize("size", [solving._FEW // 2, solving._FEW + 2])
def test_what_compiled_code_finds_of_gradients_that_do_not_fit_is_what_numpy_finds(
    size: int, kernel: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of either sign, in one call and in one a block and step."""
    case = {"gradients": [(g - 4) / 3 for g in fed(3, size)], "lr": 0.1, "momentum": 0.9}
    swift = replay.replay("accumulated", np.ones(size), **case).bound
    assert "numpy" not in kernel
    monkeypatch.setattr(solving, "_compiled", lambda count: None)
    plain = replay.replay("accumulated", np.ones(size), **case).bound
    assert np.all((swift <= plain * SLACK) & (plain <= swift * SLACK))


def test_what_is_called_compiled_is_and_lets_other_threads_run() -> None:
    code = pytest.importorskip("momentum.oracle.compiled")
    for name in ("take", "walk", "move", "distance"):
        function = getattr(code, name)
        assert function.py_func.__name__ == name
        assert function.targetoptions["nogil"] is True
