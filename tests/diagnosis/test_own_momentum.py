"""A momentum that no argument sets is measured, and the subject is held to it."""

import pytest
import torch

import momentum
from momentum.conventions import Hyper, Moved, State, get
from momentum.diagnosis import describe, identify
from momentum.diagnosis.own_momentum import ratio, with_own_momentum
from momentum.diagnosis.response import Response
from momentum.gallery import Machine

ACCUMULATED = get("accumulated")


def built_in(momentum: float, nesterov: bool = False) -> Machine:
    """The torch rule with a momentum, and perhaps a form, of its own."""

    def rule(x: object, g: object, s: State, h: Hyper) -> Moved:
        return ACCUMULATED.step(x, g, s, h.having(momentum=momentum, nesterov=nesterov))  # type: ignore[arg-type]

    name = "built_in"
    return Machine(name=name, convention=ACCUMULATED, hyper=frozenset({"lr"}), rule=rule)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.9, 1.0, 2 / 3, 255 / 256])
def test_the_momentum_is_the_number_that_was_written(momentum: float, nesterov: bool) -> None:
    held = with_own_momentum(built_in(momentum, nesterov=nesterov)).facts
    assert held.fixed == {"momentum": momentum}
    assert f"held to {momentum!r}" in held.left["momentum"]


def test_a_subject_without_momentum_or_with_a_settable_one_stays_itself() -> None:
    for subject in (built_in(0.0), Machine(name="m", convention=ACCUMULATED)):
        assert with_own_momentum(subject) is subject


@pytest.mark.parametrize("tail", [(0.9, 0.9, 0.9), (0.9, 0.5, 0.25), (float("nan"), 1.0, 1.0)])
def test_what_is_no_geometric_response_shows_no_momentum(tail: tuple[float, ...]) -> None:
    found = Response((1.0, 1.0, *tail), (1e-15,) * 5, Hyper(0.125), "float64", True, True)
    assert ratio(found) is None


def test_its_runs_take_no_other_momentum_and_are_told_of_none() -> None:
    subject = with_own_momentum(built_in(0.5))
    run = subject.start([], [Hyper(0.1, 0.5)], "float64")
    run.set(Hyper(0.2, 0.5))
    with pytest.raises(ValueError, match="takes no momentum"):
        run.set(Hyper(0.2, 0.9))
    with pytest.raises(ValueError, match="takes no momentum"):
        subject.start([], [Hyper(0.1)], "float64")


def test_identify_says_that_it_is_its_own() -> None:
    said = describe(identify(built_in(0.9), estimates=False))
    assert "accumulated" in said.splitlines()[0]
    assert "momentum: no argument known as one sets it; held to 0.9" in said


class Pair(torch.optim.Optimizer):
    """Right: the momentum is the first of a pair."""

    share = 1.0

    def __init__(self, params, lr=0.01, betas=(0.9, 0.999)):  # type: ignore[no-untyped-def]
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure=None):  # type: ignore[no-untyped-def]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    v = self.state[p].setdefault("v", torch.zeros_like(p))
                    v.mul_(group["betas"][0]).add_(p.grad)
                    p.sub_(group["lr"] * self.share * v)


class Short(Pair):
    share = 0.999


@pytest.mark.parametrize(("subject", "verdict"), [(Pair, "passed"), (Short, "failed")])
def test_a_momentum_in_a_pair_is_right_where_it_is(subject: type[Pair], verdict: str) -> None:
    only = ["follows_the_framework_scheduler[float32]"]
    done = momentum.check(subject, "torch", effort="quick", only=only)
    assert {r.verdict for r in done.results} == {verdict}
