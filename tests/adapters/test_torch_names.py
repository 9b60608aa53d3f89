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


def handing_on(params: Any, **options: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(params, **options)


def built_in(model_parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(model_parameters, lr=0.1, momentum=0.9, weight_decay=1e-4)


class Swallowing(torch.optim.Optimizer):
    def __init__(self, params: Any, lr: float = 0.1, **options: Any) -> None:
        super().__init__(params, {"lr": lr, **options})

    def step(self, closure: Any = None) -> Any:
        return None


def swallowing(params: Any, lr: float = 0.1, **options: Any) -> torch.optim.Optimizer:
    return Swallowing(params, lr, **options)


def test_a_function_that_hands_everything_on_takes_what_it_is_handed_to_takes() -> None:
    facts = adapt(handing_on, {}, "handing_on").facts
    assert facts == adapt(torch.optim.SGD, {}, "handing_on").facts


def test_what_takes_every_name_offers_nothing_by_taking_one() -> None:
    for subject in (Swallowing, swallowing):
        facts = adapt(subject, {}, "swallowing").facts
        assert facts.hyper == {"lr"}
        assert "differentiable" not in facts.offers


def test_a_function_of_parameters_alone_is_held_to_the_numbers_that_it_sets() -> None:
    facts = adapt(built_in, {}, "built_in").facts
    assert facts.hyper == frozenset()
    assert dict(facts.fixed) == {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}
    done = momentum.check(
        built_in, "torch", effort="quick", only=["closure_gives_the_gradients[float32]"]
    )
    assert {r.verdict for r in done.results} == {"passed"}
