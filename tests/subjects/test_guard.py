"""A subject may set what it likes for the whole process: it is put back, and can be asked for."""

import ctypes
import decimal
import gc
import locale
import os
import platform
import random
import sys
from types import ModuleType

import numpy as np
import pytest

from momentum.subjects.guard import Guarded
from momentum.subjects.random_states import stir
from momentum.subjects.settings import (
    Settings,
    Surroundings,
    put_back_after_loading,
    set_torch,
    torch_settings,
)

torch = pytest.importorskip("torch")


class Setting:
    """A subject whose step sets something for everybody."""

    def __init__(self, sets):
        self.sets, self.facts = sets, None

    def start(self, *arguments):
        return SettingRun(self.sets)


class SettingRun:
    def __init__(self, sets):
        self.sets = sets

    def step(self, gradients):
        self.sets()

    def fails(self):
        self.sets()
        raise RuntimeError("as it must")

    def settings(self):
        return {"now": (Settings.now(), Surroundings.now())}

    def duplicate(self, how):
        return SettingRun(self.sets)

    def hand_over(self, other):
        return type(other)


SETS = {
    "grad mode": lambda: torch.set_grad_enabled(False),
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "denormals": lambda: torch.set_flush_denormal(True),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "errors": lambda: np.seterr(all="raise"),
    "recursion": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "trace": lambda: sys.settrace(lambda *event: None),
    "collection": lambda: gc.set_threshold(50),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "torch's printing": lambda: torch.set_printoptions(precision=11),
    "warnings": lambda: torch.set_warn_always(True),
    "variable": lambda: os.environ.update(MOMENTUM_TEST="1"),
    "variable replaced": lambda: os.environ.update(HOME="/nowhere"),
    "variable gone": lambda: os.environ.pop("PATH"),
    "folder": lambda: os.chdir("/"),
    "decimals": lambda: setattr(decimal.getcontext(), "prec", 3),
    "decimal traps": lambda: decimal.getcontext().traps.update({decimal.Inexact: True}),
    "printing": lambda: np.set_printoptions(precision=3),
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"),
}


DIRECTIONS = {"downward": 0x400, "upward": 0x800, "toward zero": 0xC00}
"""Rounding modes as x86's C library numbers them."""

if sys.platform == "linux" and platform.machine() == "x86_64":
    SETS |= {
        name: lambda mode=mode: ctypes.CDLL(None).fesetround(mode)
        for name, mode in DIRECTIONS.items()
    }


def begun(sets):
    return Guarded(Setting(sets)).start([], [], "float32")


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("how", ["step", "raise", "copy"])
def test_guard_puts_back_what_a_call_sets_and_tells_it(name, how):
    before = Settings.now(), Surroundings.now()
    run = begun(SETS[name])
    if how == "copy":
        run = run.duplicate("deepcopy")
    if how == "raise":
        with pytest.raises(RuntimeError, match="as it must"):
            run.fails()
    else:
        run.step([])
    assert (Settings.now(), Surroundings.now()) == before
    assert run.settings()["now"] != before
    assert sys.float_info.min * 0.5 != 0


def test_guard_tells_of_the_last_call_only():
    calls = []
    run = begun(lambda: calls.append(torch.set_grad_enabled(bool(calls))))
    run.step([])
    assert run.settings()["now"][0] != Settings.now()
    run.step([])
    assert run.settings()["now"][0] == Settings.now()


def test_guard_hands_runs_on_as_they_are():
    assert begun(int).hand_over(begun(int)) is SettingRun


def test_what_the_program_changes_between_two_calls_is_left(monkeypatch):
    run = begun(int)
    monkeypatch.setenv("MOMENTUM_TEST", "1")
    monkeypatch.chdir("/")
    before = Surroundings.now()
    run.step([])
    assert Surroundings.now() == before
    assert os.environ["MOMENTUM_TEST"] == "1"


def test_a_working_directory_may_be_gone(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    begun(SETS["variable"]).step([])
    assert "MOMENTUM_TEST" not in os.environ


DRAWS = {
    "python": random.random,
    "python anew": lambda: random.seed(1),
    "numpy": np.random.rand,
    "numpy anew": lambda: np.random.seed(1),  # noqa: NPY002
    "torch": lambda: torch.rand(1),
    "torch anew": lambda: torch.manual_seed(1),
}


def drawn():
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    numbers = random.random(), np.random.rand(), float(torch.rand(1))  # noqa: NPY002
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    return numbers


@pytest.mark.parametrize("name", DRAWS)
def test_guard_puts_back_the_random_numbers_that_a_call_draws(name):
    before = drawn()
    run = begun(DRAWS[name])
    for _ in range(3):
        run.step([])
        assert drawn() == before
    with pytest.raises(RuntimeError, match="as it must"):
        run.fails()
    assert drawn() == before


@pytest.mark.parametrize("word", [0, 400, 623])
def test_guard_puts_back_every_word_of_the_states(word):
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    words = [x + (i == word) for i, x in enumerate(python[1])]
    changed = (python[0], tuple(words), python[2])
    key = numpy[1] + np.uint32(np.arange(624) == word)
    for name, sets in (
        ("python", lambda: random.setstate(changed)),
        ("numpy", lambda: np.random.set_state((numpy[0], key, *numpy[2:]))),  # noqa: NPY002
    ):
        begun(sets).step([])
        assert random.getstate() == python, name
        assert (np.random.get_state()[1] == numpy[1]).all(), name  # noqa: NPY002


@pytest.mark.parametrize("module", [None, ModuleType("torch")], ids=["absent", "half loaded"])
def test_torch_that_is_not_there_has_no_settings(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", module)
    assert torch_settings() == ()
    set_torch(torch_settings())
    Settings.now().put_back()


def test_guard_leaves_random_numbers_drawn_between_runs():
    guarded = Guarded(Setting(int))
    guarded.start([], [], "float32").step([])
    random.random()
    before = drawn()
    guarded.start([], [], "float32").step([])
    assert drawn() == before


def test_torch_that_came_with_a_subject_records_gradients_afterwards():
    before = Settings.now()
    torch.set_grad_enabled(False)
    try:
        put_back_after_loading(before._replace(torch=()))
        assert torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        put_back_after_loading(before._replace(torch=(False, *before.torch[1:])))
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_stirred_states_are_others_for_every_generator():
    before = drawn()
    stir()
    assert all(a != b for a, b in zip(before, drawn()))
