"""Step for step, torch.optim.SGD is where exact arithmetic and the small implementation are."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import momentum

STEPS = 10
RATES = st.integers(1, 400).map(lambda k: k / 1000)
MOMENTA = st.integers(1, 99).map(lambda k: k / 100)
SEEDS = st.integers(0, 2**32 - 1)


def iterates(make: Any, start: np.ndarray, grads: np.ndarray, dtype: torch.dtype) -> list[Any]:
    """The parameter after every step of a torch optimizer that is fed these gradients."""
    theta = torch.tensor(start, dtype=dtype)
    optimizer, seen = make([theta]), []
    for grad in grads:
        theta.grad = torch.tensor(grad, dtype=dtype)
        optimizer.step()
        seen.append(theta.double().numpy().copy())
    return seen


def drawn(seed: int, dtype: torch.dtype) -> tuple[np.ndarray, np.ndarray]:
    """A start and gradients that the format holds."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn((STEPS + 1, 17), generator=generator, dtype=dtype).double().numpy()
    return numbers[0], numbers[1:]


@pytest.mark.parametrize("path", [{}, {"foreach": True}, {"fused": True}], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(SEEDS, RATES, MOMENTA, RATES, st.booleans())
def test_torch_sgd_agrees_with_exact_arithmetic_at_every_step(
    path: dict[str, bool], dtype: torch.dtype, seed: int, lr: float, m: float, wd: float, nag: bool
) -> None:
    start, grads = drawn(seed, dtype)
    h: dict[str, Any] = {"lr": lr, "momentum": m, "weight_decay": wd, "nesterov": nag}
    name = str(dtype).removeprefix("torch.")
    truth = momentum.replay("torch", start, list(grads), dtype=name, tier="exact", **h)
    got = iterates(lambda ps: torch.optim.SGD(ps, **h, **path), start, grads, dtype)
    assert truth.compare(got).passed


@given(SEEDS, RATES, MOMENTA, RATES, st.booleans())
def test_momentum_sgd_agrees_with_torch_at_every_step(
    seed: int, lr: float, m: float, wd: float, nag: bool
) -> None:
    start, grads = drawn(seed, torch.float64)
    h: dict[str, Any] = {"lr": lr, "momentum": m, "weight_decay": wd, "nesterov": nag}
    truth = momentum.replay("torch", start, list(grads), dtype="float64", **h)
    ours = iterates(lambda ps: momentum.MomentumSGD(ps, "torch", **h), start, grads, torch.float64)
    theirs = iterates(lambda ps: torch.optim.SGD(ps, **h), start, grads, torch.float64)
    # Both lie within the bound of one exact trajectory, so no further apart than twice of it.
    assert np.all(np.abs(np.array(ours) - np.array(theirs)) <= 2 * truth.bound)
    assert truth.compare(ours).passed


@given(SEEDS, RATES, MOMENTA)
def test_the_articles_function_agrees_with_torch_while_the_rate_is_constant(
    seed: int, lr: float, m: float
) -> None:
    start, grads = drawn(seed, torch.float64)
    theta = torch.tensor(start)
    v, ours = torch.zeros_like(theta), []
    for grad in grads:
        theta.grad = torch.tensor(grad)
        momentum.sgd_momentum([theta], [v], {"lr": lr, "momentum": m})
        ours.append(theta.numpy().copy())
    theirs = iterates(
        lambda ps: torch.optim.SGD(ps, lr=lr, momentum=m), start, grads, torch.float64
    )
    bounds = [
        momentum.replay(name, start, list(grads), lr=lr, momentum=m, dtype="float64").bound
        for name in ("torch", "scaled")
    ]
    assert np.all(np.abs(np.array(ours) - np.array(theirs)) <= bounds[0] + bounds[1])
