"""Small trainings, and a list of those that are right, each in a way of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import momentum

torch = pytest.importorskip("torch")

STEPS = 10


nn = torch.nn


def model(seed: int = 0, dtype: Any = None) -> Any:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 17), nn.Tanh(), nn.Linear(17, 3)).to(dtype or torch.float32)


def batches(seed: int = 0, steps: int = STEPS) -> Iterator[tuple[Any, Any]]:
    generator = torch.Generator().manual_seed(seed + 100)
    for _ in range(steps):
        yield torch.randn((8, 6), generator=generator), torch.randn((8, 3), generator=generator)


def loss_of(net: Any, x: Any, y: Any) -> Any:
    dtype = next(net.parameters()).dtype
    return nn.functional.mse_loss(net(x.to(dtype)), y.to(dtype))


def train(net: Any, optimizer: Any, each: Callable[[int], None] = lambda t: None) -> None:
    for t, (x, y) in enumerate(batches()):
        optimizer.zero_grad()
        loss_of(net, x, y).backward()
        each(t)
        optimizer.step()


def watched(
    net: Any, optimizer: Any, each: Callable[[int], None] = lambda t: None, **options: Any
) -> Any:
    with momentum.watch(optimizer, **options) as report:
        train(net, optimizer, each)
    return report


def sgd(net: Any, **options: Any) -> Any:
    return torch.optim.SGD(net.parameters(), **{"lr": 0.05, "momentum": 0.9, **options})


RIGHT: dict[str, Callable[[], Any]] = {}


def right(run: Callable[..., Any]) -> Callable[..., Any]:
    RIGHT[run.__name__] = run
    return run
