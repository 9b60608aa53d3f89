"""Whole verdicts through the command line: right ones pass, wrong ones fail and say where."""

import json
from pathlib import Path
from typing import Any

import pytest

import momentum.report.matrix.rows as rows
from momentum.doors.command_line import entry
from momentum.report.matrix.implementations import IMPLEMENTATIONS

pytest.importorskip("torch")

SUBJECTS = """
import torch

class OffByUnits(torch.optim.SGD):
    def __init__(self, params, lr=0.1, momentum=0.9, dampening=0.0, weight_decay=0.0,
                 nesterov=False, maximize=False):
        super().__init__(params, lr=lr, momentum=momentum and momentum + 32 * 2.0**-24,
                         dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
                         maximize=maximize)

def inside(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_optimizers.py").write_text(SUBJECTS)
    monkeypatch.chdir(tmp_path)


def verdict(target: str, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and results of a quick check."""
    code = entry(["check", target, "--effort", "quick", "--jsonl", "report.jsonl", *arguments])
    lines = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    return code, [line for line in lines if "verdict" in line and "check" in line]


def failures(results: list[dict[str, Any]]) -> set[str]:
    return {f"{r['check']}[{r['dtype']}]" for r in results if r["verdict"] == "failed"}


def expected(path: str) -> str:
    return str(rows.known_of(IMPLEMENTATIONS[f"torch {path}"]))


def test_torch_sgd_follows_accumulated_in_every_dtype() -> None:
    code, results = verdict("torch.optim:SGD")
    assert code == 0
    judged = [r for r in results if r["check"] == "agrees_with_oracle"]
    assert {r["dtype"] for r in judged} == {"float32", "float64", "float16", "bfloat16"}
    assert all(r["verdict"] == "passed" and float(r["ratio"]) <= 1 for r in judged)


def test_torch_sgd_fused_fails_in_half_precision_from_sixteen_elements_on() -> None:
    code, results = verdict(
        "torch.optim:SGD", "--set", "fused=True", "--as", "torch", "--only", "agrees_with_oracle"
    )
    assert code == 1
    assert failures(results) == {"agrees_with_oracle[float16]", "agrees_with_oracle[bfloat16]"}
    for result in results:
        if result["verdict"] == "failed":
            assert result["step"] == 1
            assert "shape (16,)" in result["where"]


@pytest.mark.parametrize("path", ["foreach", "fused"])
def test_torch_sgd_fails_as_is_on_record(path: str) -> None:
    code, results = verdict(
        "torch.optim:SGD", "--set", f"{path}=True", "--as", "torch", "--expected", expected(path)
    )
    assert code == 0
    assert any(r["verdict"] == "expected_failure" for r in results)


def test_momentum_off_by_32_units_fails() -> None:
    only = ("--dtype", "float32", "--only", "exact_where_nothing_rounds")
    code, results = verdict("own_optimizers:OffByUnits", "--as", "torch", *only)
    assert code == 1
    assert "exact_where_nothing_rounds[float32]" in failures(results)


def test_rate_inside_the_velocity_fails_as_torch_and_passes_as_scaled() -> None:
    assert verdict("own_optimizers:inside", "--as", "torch", "--dtype", "float32")[0] == 1
    assert verdict("own_optimizers:inside", "--as", "scaled")[0] == 0


@pytest.mark.parametrize(
    ("target", "convention"),
    [
        ("momentum:MomentumSGD", "accumulated"),
        ("momentum:sgd_momentum", "article"),
    ],
)
def test_the_from_scratch_optimizers_pass(target: str, convention: str) -> None:
    assert verdict(target, "--as", convention)[0] == 0
