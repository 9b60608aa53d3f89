"""Momentum under other names in the constructor of a torch optimizer, and under none."""

from typing import Any

import torch

import momentum
from momentum.adapters import adapt


class Mu(torch.optim.Optimizer):
    def __init__(self, params: Any, lr: float, mu: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "mu": mu})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    kept = self.state[p]
                    kept["v"] = group["mu"] * kept["v"] + p.grad if kept else p.grad.clone()
                    p -= group["lr"] * kept["v"]


class Inertia(Mu):
    def __init__(self, params: Any, lr: float, inertia: float = 0.9) -> None:
        super().__init__(params, lr, inertia)


def renamed(params: Any, lr: float, momentum: float) -> torch.optim.Optimizer:
    return Inertia(params, lr, momentum)


def test_mu_is_momentum() -> None:
    assert adapt(Mu, {}, "Mu").facts.hyper == {"lr", "momentum"}
    done = momentum.check(Mu, "torch", effort="quick", only=["follows_the_momentum"])
    assert {r.verdict for r in done.results} == {"passed"}


def test_a_momentum_that_is_not_recognised_is_told_with_a_way_out() -> None:
    facts = adapt(Inertia, {}, "Inertia").facts
    assert facts.hyper == {"lr"}
    assert "none of its arguments is known as one: mu=0.9" in facts.left["momentum"]
    assert adapt(renamed, {}, "renamed").facts.hyper == {"lr", "momentum"}
