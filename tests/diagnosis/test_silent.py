"""A cause says nothing where its formula has no value: it is neither refuted nor named there."""

from typing import Any

import torch

import momentum
from momentum.checks.result import Result

WORDS = "the weight decay is weight_decay / (lr of the first step)"


class Relative(torch.optim.SGD):
    """Decay in proportion to the rate over the first one, and whole where that was 0."""

    def __init__(
        self, params: Any, lr: float, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr, momentum, weight_decay=weight_decay, foreach=False)
        for group in self.param_groups:
            group["first"] = group["lr"]

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        decays = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            share = group["lr"] / group["first"] if group["first"] else 1.0
            for p in group["params"]:
                if p.grad is not None:
                    p.mul_(1 - share * group["weight_decay"])
            group["weight_decay"] = 0
        loss = super().step(closure)
        for group, decay in zip(self.param_groups, decays):
            group["weight_decay"] = decay
        return loss


def judged(*only: str) -> tuple[str, dict[str, Result]]:
    done = momentum.check(
        Relative, None, effort="quick", dtypes=["float32"],
        only=["decay_alone_agrees", "follows_all_changes", *only],
    )  # fmt: skip
    return done.header.doubt, {r.check: r for r in done.results}


def test_a_rate_of_zero_refutes_no_division_by_it_and_is_not_explained_by_one() -> None:
    _, found = judged("zero_rate_feeds_the_velocity")
    assert {r.verdict for r in found.values()} == {"failed"}
    assert WORDS in found["decay_alone_agrees"].explanation
    assert WORDS in found["follows_all_changes"].explanation
    assert WORDS not in found["zero_rate_feeds_the_velocity"].explanation


def test_a_convention_that_is_departed_from_is_the_nearest_one() -> None:
    assert judged()[0] == WORDS
