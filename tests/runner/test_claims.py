"""A measurement whose bound is wider than the movement claims nothing, and passes nothing."""

from dataclasses import replace
from typing import Any

import pytest

from momentum.checks import CHECKS
from momentum.checks.result import Header, Result, Results
from momentum.conventions import get
from momentum.gallery.machine.machine import Machine, MachineRun
from momentum.runner.one_check import run_check
from momentum.subjects.trial import Restated


class Still(MachineRun):
    """It never moves."""

    def step(self, gradients: Any) -> None:
        self.taken += 1


def result(run: Any, convention: str, dtype: str, check: str, **fixed: Any) -> Result:
    machine = Machine("subject", get(convention), run=run)
    subject = Restated(machine, replace(machine.facts, fixed=fixed))
    return run_check(CHECKS[check], subject, get(convention), dtype, "quick")


FAINT = [
    ("accumulated", "float16", "agrees_with_oracle", {"lr": 1e-8}),
    ("accumulated", "float16", "groups_follow_their_own", {"lr": 1e-8}),
    ("accumulated", "float16", "turns_with_the_sign", {"lr": 1e-8}),
    ("accumulated", "float16", "impulse_response_is_closed_form", {"lr": 1e-8}),
    ("accumulated", "float16", "nesterov_agrees", {"lr": 1e-8, "weight_decay": 0.0}),
    ("averaged", "bfloat16", "agrees_with_oracle", {"lr": 1e-4, "momentum": 0.99}),
]


@pytest.mark.parametrize(("convention", "dtype", "check", "fixed"), FAINT)
@pytest.mark.parametrize("run", [Still, None])
def test_bound_wider_than_the_movement_is_no_claim(
    run: Any, convention: str, dtype: str, check: str, fixed: dict[str, float]
) -> None:
    found = result(run, convention, dtype, check, **fixed)
    assert found.verdict == "no_claim"
    assert "standing still would have passed" in found.reason


@pytest.mark.parametrize(("convention", "dtype", "check", "fixed"), FAINT)
@pytest.mark.parametrize("run", [Still, None])
def test_ordinary_rates_are_claimed(
    run: Any, convention: str, dtype: str, check: str, fixed: dict[str, float]
) -> None:
    usual = {name: min(0.5, 1e8 * x) for name, x in fixed.items()}
    found = result(run, convention, dtype, check, **usual)
    # A law between two runs of a subject that stands still says nothing about it.
    still = "no_claim" if check == "turns_with_the_sign" else "failed"
    assert found.verdict == (still if run is Still else "passed")


def test_no_claim_is_neither_a_pass_nor_a_failure() -> None:
    header = Header("s", "accumulated", (), 0, "quick", ("float16",))
    none = result(Still, "accumulated", "float16", "agrees_with_oracle", lr=1e-8)
    good = replace(none, verdict="passed", dtype="float32")
    assert Results(header, (none,)).exit_code() == 3
    assert Results(header, (none, good)).exit_code(strict=True) == 0
    assert Results(header, (none, good)).counts["no_claim"] == 1
