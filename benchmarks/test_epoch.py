"""Seconds per epoch of the article's regression, by what takes the steps.

Data iterator, loss and loop are the article's (`train_ch7` of its PyTorch port); the data is the
stand-in, so that every machine times the same work.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import momentum
from momentum.article.data import stand_in
from momentum.article.regression import BATCH, EPOCHS, RUNS
from momentum.sgd import MomentumSGD, init_momentum_states, sgd_momentum

RUN = RUNS[0]
HYPER = {"lr": RUN.lr, "momentum": RUN.momentum}
HIGHEST = 0.25014  # the 99 % quantile of this run's last loss over 4000 seeds

Params = list[torch.Tensor]
Step = Callable[[], object]


def article(params: Params) -> Step:
    """The article's own text, and so not the convention's rule: it is what people time."""
    states = init_momentum_states()

    def step() -> None:
        for p, v in zip(params, states):
            v.data = HYPER["momentum"] * v.data + HYPER["lr"] * p.grad.data
            p.data -= v.data

    return step


def function(params: Params) -> Step:
    states = init_momentum_states()
    return lambda: sgd_momentum(params, states, HYPER)


SUBJECTS: dict[str, tuple[str, Callable[[Params], Step]]] = {
    "article": ("scaled", article),
    "sgd_momentum": ("scaled", function),
    "MomentumSGD": ("accumulated", lambda params: MomentumSGD(params, **HYPER).step),
    "torch_single": ("torch", lambda params: torch.optim.SGD(params, foreach=False, **HYPER).step),
    "torch_foreach": ("torch", lambda params: torch.optim.SGD(params, foreach=True, **HYPER).step),
    "torch_fused": ("torch", lambda params: torch.optim.SGD(params, fused=True, **HYPER).step),
}


@cache
def tensors() -> tuple[torch.Tensor, torch.Tensor]:
    data = stand_in()
    return torch.tensor(data.features).float(), torch.tensor(data.targets).float()


def train(make: Callable[[Params], Step], record: Callable[[Params], None] | None = None) -> float:
    """The loss over all rows at the end. `record` sees parameters and gradients at every step."""
    features, targets = tensors()
    torch.manual_seed(0)
    w = torch.normal(0.0, 0.01, size=(5, 1)).requires_grad_()
    b = torch.zeros(1, requires_grad=True)
    params = [w, b]
    step = make(params)

    def loss(rows: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        predicted = torch.mm(rows, w) + b
        return ((predicted - wanted.view(predicted.size())) ** 2 / 2).mean()

    batches = DataLoader(TensorDataset(features, targets), batch_size=BATCH, shuffle=True)
    for _ in range(EPOCHS):
        for rows, wanted in batches:
            if w.grad is not None and b.grad is not None:
                w.grad.data.zero_()
                b.grad.data.zero_()
            loss(rows, wanted).backward()
            if record is not None:
                record(params)
            step()
    if record is not None:
        record(params)
    with torch.no_grad():
        return float(loss(features, targets))


def assert_agrees(convention: str, make: Callable[[Params], Step]) -> None:
    """One training, recorded, is the convention's within the bound at every step."""
    seen: list[list[tuple[Any, Any]]] = []
    train(make, lambda params: seen.append(
        [(p.detach().numpy().copy(), p.grad.numpy().copy()) for p in params]
    ))  # fmt: skip
    for i in range(2):
        values = [row[i][0] for row in seen]
        exact = momentum.replay(convention, values[0], [row[i][1] for row in seen[:-1]], **HYPER)
        assert exact.compare(values[1:]).passed


@pytest.mark.benchmark(group="epoch of the article's regression")
@pytest.mark.parametrize("name", SUBJECTS)
def test_epoch(against: Any, name: str) -> None:
    convention, make = SUBJECTS[name]
    assert_agrees(convention, make)
    loss = against(
        lambda: train(make),
        lambda: train(SUBJECTS["torch_single"][1]),
        rounds=15,
        count=EPOCHS,
        unit="epoch",
        what=f"epoch of {name} / torch_single",
        goal=1.0 if name == "MomentumSGD" else None,
        loss=train(make),
        steps_per_epoch=len(tensors()[1]) // BATCH,
        data="stand-in",
        threads=torch.get_num_threads(),
        torch=torch.__version__,
    )
    assert stand_in().optimum <= loss <= HIGHEST
