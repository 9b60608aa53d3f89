"""Test vectors of torch's convention, and what torch.optim.SGD answers, read from files alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from momentum.doors.command_line import entry

DTYPES = {name: getattr(torch, name) for name in ("float32", "float64", "float16", "bfloat16")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors")
    assert entry(["vectors", "write", str(path), "--as", "torch"]) == 0
    return path


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "accumulated").glob("*.json"))
    return [case for path in files for case in json.loads(path.read_text())["cases"]]


@pytest.fixture(scope="module")
def torch_answer() -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _torch_answer


def _torch_answer(case: dict[str, Any]) -> dict[str, Any]:
    def tensor(row: list[str]) -> Any:
        return torch.tensor([float.fromhex(x) for x in row], dtype=DTYPES[case["dtype"]])

    theta = tensor(case["start"])
    optimizer = torch.optim.SGD([theta], **case["hyper"][0])
    path = []
    for h, grad in zip(case["hyper"], case["gradients"]):
        optimizer.param_groups[0].update(h)
        theta.grad = None if grad is None else tensor(grad)
        optimizer.step()
        path.append([float(x).hex() for x in theta.double()])
    return {"id": case["id"], "parameters": path}
