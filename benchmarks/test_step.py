"""Seconds per step at three shapes: one large tensor, many small ones, the article's two."""

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import momentum
from momentum.sgd import MomentumSGD, sgd_momentum

HYPER = {"lr": 0.01, "momentum": 0.9}
SAMPLE = 997  # every so many elements are checked: each is on its own

SHAPES: dict[str, tuple[list[tuple[int, ...]], int]] = {
    "one_of_2e7": ([(20_000_000,)], 1),
    "300_of_1000": ([(1000,)] * 300, 5),
    "article": ([(5, 1), (1,)], 200),
}
"""Shapes of the parameters, and steps a round."""

Step = Callable[[], object]


def function(params: list[torch.Tensor]) -> Step:
    states = [torch.zeros_like(p) for p in params]
    return lambda: sgd_momentum(params, states, HYPER)


SUBJECTS: dict[str, tuple[str, Callable[[list[torch.Tensor]], Step]]] = {
    "sgd_momentum": ("scaled", function),
    "MomentumSGD": ("accumulated", lambda params: MomentumSGD(params, **HYPER).step),
    "MomentumSGD_compiled": (
        "accumulated",
        lambda params: MomentumSGD(params, compile=True, **HYPER).step,
    ),
    "torch_single": ("torch", lambda params: torch.optim.SGD(params, foreach=False, **HYPER).step),
    "torch_foreach": ("torch", lambda params: torch.optim.SGD(params, foreach=True, **HYPER).step),
    "torch_fused": ("torch", lambda params: torch.optim.SGD(params, fused=True, **HYPER).step),
}


BESIDE: dict[str, str] = {"MomentumSGD": "torch_single", "MomentumSGD_compiled": "torch_fused"}
"""Which path of torch each is not to be slower than."""


def parameters(shapes: list[tuple[int, ...]]) -> list[torch.Tensor]:
    """Parameters with gradients, which stay as they are: steps are timed, not training."""
    generator = torch.Generator().manual_seed(0)
    params = []
    for shape in shapes:
        p = torch.randn(shape, generator=generator).requires_grad_()
        p.grad = torch.randn(shape, generator=generator)
        params.append(p)
    return params


def sampled(x: torch.Tensor) -> Any:
    return x.detach().flatten()[::SAMPLE].numpy().copy()


def assert_agrees(convention: str, params: list[torch.Tensor], step: Step) -> None:
    """The first steps are the convention's within the bound."""
    iterates = [[sampled(p) for p in params]]
    for _ in range(3):
        step()
        iterates.append([sampled(p) for p in params])
    for i, p in enumerate(params):
        g = sampled(p.grad) if p.grad is not None else np.zeros(0)
        exact = momentum.replay(convention, iterates[0][i], [g] * 3, **HYPER)
        assert exact.compare([row[i] for row in iterates[1:]]).passed


@pytest.mark.benchmark(group="step")
@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_step(against: Any, shape: str, name: str) -> None:
    if name.endswith("compiled") and shutil.which("c++") is None:
        pytest.skip("torch.compile needs a C++ compiler")
    shapes, steps = SHAPES[shape]
    convention, make = SUBJECTS[name]
    beside = BESIDE.get(name, "torch_single")
    params = parameters(shapes)
    step = make(params)
    assert_agrees(convention, params, step)
    # The reference moves the same parameters, so that both work on the same memory.
    reference = SUBJECTS[beside][1](params)

    def many(one: Step) -> Step:
        return lambda: [one() for _ in range(steps)]

    against(
        many(step),
        many(reference),
        rounds=10,
        count=steps,
        unit="step",
        what=f"step of {name} / {beside}, {shape}",
        goal=1.0 if name in BESIDE else None,
        elements=sum(p.numel() for p in params),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )
