"""Tensors of torch on a device: the option, and a whole check where there is one."""

import os
from typing import Any

import pytest
import torch

import momentum
from momentum.adapters import adapt, load
from momentum.errors import UsageError

# Else torch asks the driver, and this process can no longer be copied.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
GPU = [d for d in ("cuda", "mps") if getattr(torch, d).is_available()]
FINE = {"passed", "skipped", "no_claim"}


def test_the_processor_is_a_device() -> None:
    results = momentum.check(
        "torch.optim:SGD", "torch", settings={"device": "cpu"}, effort="quick",
        only=["agrees_with_oracle"], dtypes=["float32"],
    ).results  # fmt: skip
    assert [r.verdict for r in results] == ["passed"]


@pytest.mark.parametrize("device", ["cuda:7", "meta", "nothing"])
def test_a_device_that_computes_nothing_is_refused_in_a_line(device: str) -> None:
    with pytest.raises(UsageError, match="torch finds no such device here"):
        load("torch.optim:SGD", {"device": device})


class Placed(torch.optim.SGD):
    def __init__(self, params: Any, lr: float, momentum: float = 0.0, device: str = "") -> None:
        super().__init__(params, lr, momentum)
        assert device == "its own"


def test_an_optimizer_that_takes_a_device_gets_it() -> None:
    facts = adapt(Placed, {"device": "its own"}, "Placed").facts
    assert facts.hyper == {"lr", "momentum"}


def step(
    theta: torch.Tensor, v: torch.Tensor, grad: torch.Tensor, lr: float, momentum: float
) -> tuple[torch.Tensor, torch.Tensor]:
    v = momentum * v + grad
    return theta - lr * v, v


@pytest.mark.parametrize("device", GPU)
@pytest.mark.parametrize("target", [torch.optim.SGD, step])
def test_a_right_optimizer_passes_there(device: str, target: object) -> None:
    done = momentum.check(target, "torch", settings={"device": device}, effort="quick")
    assert {r.verdict for r in done.results if r.level == "must"} <= FINE
