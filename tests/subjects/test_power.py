"""The power that is stated is the one that bisection finds, within a factor of two."""

from functools import cache
from typing import Any

import pytest

from momentum.conventions import Convention, get
from momentum.conventions.hyper import NEUTRAL, NUMBERS, Hyper
from momentum.gallery.machine.machine import Machine, MachineRun
from momentum.oracle.power import smallest
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge, power
from momentum.subjects.problems import Problem

STATED = {
    "accumulated": Hyper(0.3, 0.8, 0.35, 0.15),
    "scaled": Hyper(0.3, 0.8, 0.0, 0.15),
    "quasi_hyperbolic": Hyper(0.3, 0.8, 0.0, 0.15, nu=0.6),
}
STEPS = 8


def problems(convention: str, dtype: str) -> list[Problem]:
    h = STATED[convention]
    return [
        Problem(dtype, ((24,),), ((h,),) * STEPS, (0,), kind, seed=3)
        for kind in ("from_zero", "normal")
    ]


@cache
def stated(convention: str, dtype: str) -> dict[str, float]:
    return power(get(convention), problems(convention, dtype))


def fails(convention: Convention, name: str, error: float, dtype: str) -> bool:
    """A right optimizer but for one hyper-parameter, which is off by a relative error."""

    class Off(MachineRun):
        def hyper(self, i: int) -> Hyper:
            h = super().hyper(i)
            return h._replace(**{name: getattr(h, name) * (1 + error)})

    subject = Machine("off", convention, run=Off)
    runs: Any = (observe(subject, p) for p in problems(convention.name, dtype))
    return any(m.ratio > 1 for run in runs for m in judge(subject, run, convention))


CASES = [
    (convention, name, dtype)
    for convention, h in STATED.items()
    for name in NUMBERS
    if getattr(h, name) != NEUTRAL.get(name)
    for dtype in (
        ("float32", "float64", "bfloat16") if convention == "accumulated" else ("float32",)
    )
]


@pytest.mark.parametrize(("convention", "name", "dtype"), CASES)
def test_power_agrees_with_bisection(convention: str, name: str, dtype: str) -> None:
    error = stated(convention, dtype)[name]
    for sign in (1, -1):
        low, high = error / 16, 16 * error
        assert not fails(get(convention), name, sign * low, dtype)
        assert fails(get(convention), name, sign * high, dtype)
        while high > 1.25 * low:
            middle = (low * high) ** 0.5
            if fails(get(convention), name, sign * middle, dtype):
                high = middle
            else:
                low = middle
        assert error / 2 <= (low * high) ** 0.5 <= 2 * error


def test_smallest_takes_the_least_of_each() -> None:
    assert smallest([{"lr": 2.0}, {}, {"lr": 1.0, "nu": 3.0}]) == {"lr": 1.0, "nu": 3.0}


def test_closed_loops_state_no_power() -> None:
    h = STATED["accumulated"]
    assert power(get("accumulated"), [Problem("float32", ((3,),), ((h,),), (0,), "bowl")]) == {}


def test_a_neutral_hyper_parameter_has_no_power() -> None:
    assert set(stated("scaled", "float32")) == {"lr", "momentum", "weight_decay"}
