"""Whatever a caller fixes, every check asks for combinations that the optimizer accepts."""

import itertools

import numpy as np
import pytest

pytest.importorskip("torch")

from momentum.adapters import load
from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.errors import UsageError
from momentum.runner.one_check import run_check
from momentum.subjects.problems.strategies import Setting

CHOICES = {
    "nesterov": ("True", "False"),
    "momentum": ("0.9", "0.0"),
    "dampening": ("0.3", "0.0"),
    "weight_decay": ("0.1",),
    "maximize": ("True",),
    "lr": ("0.05",),
}
COMBINATIONS = [
    {name: value for name, value in zip(CHOICES, row) if value is not None}
    for row in itertools.product(*((None, *values) for values in CHOICES.values()))
]
REFUSED = "nesterov_without_momentum_is_plain"
"""The one check that asks for a combination in order to see it refused."""


def contradicts_itself(fixed: dict[str, str]) -> bool:
    nesterov = fixed.get("nesterov") == "True"
    return nesterov and (fixed.get("dampening") == "0.3" or fixed.get("momentum") == "0.0")


@pytest.mark.parametrize(
    ("name", "value", "first"),
    [
        ("foreach", "False", 0),
        ("foreach", "True", 6),
        ("fused", "True", 13),
        ("differentiable", "True", 19),
    ],
)
def test_every_check_asks_for_what_the_optimizer_accepts(name: str, value: str, first: int) -> None:
    for fixed in COMBINATIONS[first::26]:
        if contradicts_itself(fixed):
            with pytest.raises(UsageError, match="Nesterov momentum requires"):
                load("torch.optim:SGD", {**fixed, name: value})
            continue
        subject = load("torch.optim:SGD", {**fixed, name: value})
        if subject.facts.domain.empty:
            continue
        setting = Setting.of(subject, "accumulated", "float32", "quick")
        rows = {
            row
            for check in CHECKS.values()
            if check.why_not(subject.facts, get("accumulated")) is None and check.name != REFUSED
            for problem in check.always(setting)
            for row in problem.hypers
        }
        for row in rows:
            subject.start([np.zeros(2) for _ in row], list(row), "float32", list(range(len(row))))


@pytest.mark.parametrize(
    "fixed",
    [
        {"nesterov": "True"},
        {"dampening": "0.3"},
        {"momentum": "0.0"},
        {"nesterov": "True", "weight_decay": "0.1"},
    ],
    ids=lambda fixed: " ".join(f"{n}={x}" for n, x in fixed.items()),
)
@pytest.mark.parametrize(
    "check", ["agrees_with_oracle", "decay_agrees_in_combinations", "accepts_zero"]
)
def test_drawn_combinations_are_accepted_too(check: str, fixed: dict[str, str]) -> None:
    result = run_check(
        CHECKS[check], load("torch.optim:SGD", fixed), get("accumulated"), "float32", "quick"
    )
    assert (result.verdict, result.reason) in {
        ("passed", ""),
        ("skipped", "weight_decay is fixed to 0"),
    }


def test_dampening_without_momentum_is_not_judged() -> None:
    subject = load("torch.optim:SGD", {"momentum": "0.0", "dampening": "0.3"})
    result = run_check(
        CHECKS["agrees_with_oracle"], subject, get("accumulated"), "float32", "quick"
    )
    assert result.verdict == "skipped"
    assert result.reason == "dampening 0.3 without momentum has no agreed meaning"


STEPPED = (
    *("agrees_with_oracle", "closure_gives_the_gradients", "deepcopy_is_faithful"),
    *("keeps_no_autograd_graph", "late_group_starts_afresh", "resumes_where_it_stopped"),
    *("differentiates_the_rule", "loss_scale_is_invisible", "writes_where_the_parameter_points"),
)


@pytest.mark.parametrize("nesterov", [{}, {"nesterov": "True", "momentum": "0.9"}], ids=str)
@pytest.mark.parametrize("check", STEPPED)
def test_an_optimizer_that_records_its_steps_is_judged_like_any_other(
    check: str, nesterov: dict[str, str]
) -> None:
    subject = load("torch.optim:SGD", {"differentiable": "True", **nesterov})
    result = run_check(CHECKS[check], subject, get("accumulated"), "float32", "quick", shrinks=0)
    assert result.verdict == "passed" or (check, result.reason) == (
        "differentiates_the_rule",
        "no problem fits the subject",
    ), result


PATHS = ("foreach=False", "foreach=True", "fused=True", "differentiable=True")
SAMPLE = [
    (PATHS[i % len(PATHS)], fixed)
    for i, fixed in enumerate(COMBINATIONS[3::19])
    if not contradicts_itself(fixed)
]
KNOWN = {
    "agrees_in_every_layout[fused=True]",  # findings/torch_fused_layout.py
    "no_gradient_keeps_the_velocity[fused=True]",  # findings/torch_fused_late_gradient.py
    "differentiates_the_rule[foreach=True]",  # findings/torch_foreach_differentiable.py
}


@pytest.mark.parametrize(("path", "fixed"), SAMPLE, ids=str)
def test_whatever_is_fixed_nothing_errs_and_only_what_is_known_fails(
    path: str, fixed: dict[str, str]
) -> None:
    name, value = path.split("=")
    subject = load("torch.optim:SGD", {**fixed, name: value})
    for check in (*STEPPED, "agrees_in_every_layout", "no_gradient_keeps_the_velocity"):
        result = run_check(
            CHECKS[check], subject, get("accumulated"), "float32", "quick", shrinks=0
        )
        assert result.verdict in ("passed", "skipped") or f"{check}[{path}]" in KNOWN, result
