"""A watched training: right ones pass, and each planted defect is found where it is."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import momentum
from momentum.watching import WatchError, WatchReport, records

STEPS = 12


def model(dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(9, 33), nn.Tanh(), nn.Linear(33, 4)).to(dtype)


def batches(dtype: torch.dtype = torch.float32) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        x = torch.randn((16, 9), generator=generator).to(dtype)
        yield x, torch.randn((16, 4), generator=generator).to(dtype)


def train(
    net: nn.Module, optimizer: torch.optim.Optimizer, each: Callable[[int], None] = lambda t: None
) -> None:
    dtype = next(net.parameters()).dtype
    for t, (x, y) in enumerate(batches(dtype)):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()
        each(t)


def watched(make: Callable[[Any], Any], **options: Any) -> WatchReport:
    net = model()
    optimizer = make(net.parameters())
    with momentum.watch(optimizer, "torch", names=net.named_parameters(), **options) as report:
        train(net, optimizer)
    return report


def test_schedules_clipping_accumulation_and_a_changed_parameter_pass() -> None:
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=torch.tensor(0.1), momentum=0.9)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
    with momentum.watch(optimizer) as report:
        for t, (x, y) in enumerate(batches()):
            nn.functional.mse_loss(net(x), y).backward()
            if t % 2:
                nn.utils.clip_grad_norm_(net.parameters(), 0.1)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()
            if t == 5:
                net[0].weight.data.mul_(0.5)
    assert report.passed, str(report)
    assert report.steps == STEPS // 2
    assert report.notes == {"0.weight was changed beside the optimizer": 1}


def test_a_closure_and_a_scaler_are_seen_through() -> None:
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    with momentum.watch(optimizer) as report:
        for t, (x, y) in enumerate(batches()):
            optimizer.zero_grad()
            if t % 2:
                scaler.scale(nn.functional.mse_loss(net(x), y)).backward()
                if t == 3:
                    next(net.parameters()).grad[0] = torch.inf  # type: ignore[index]
                scaler.step(optimizer)
                scaler.update()
            else:

                def closure(x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
                    loss = nn.functional.mse_loss(net(x), y)
                    loss.backward()
                    return loss

                assert optimizer.step(closure) is not None
    assert report.passed, str(report)
    assert report.steps == STEPS - 1  # the scaler skipped one


def test_watching_begins_in_mid_training_and_after_a_load() -> None:
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    train(net, optimizer)
    saved = optimizer.state_dict()
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
        optimizer.load_state_dict(saved)
        train(net, optimizer)
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(3))], "lr": 0.5})
        optimizer.param_groups[1]["params"][0].grad = torch.ones(3)
        optimizer.step()
    assert report.passed, str(report)
    assert report.notes == {"the optimizer loaded a state": 1}
    assert len(report.tensors) == 5


@pytest.mark.parametrize("convention", ["keras", "quasi_hyperbolic", "averaged_debiased"])
def test_momentum_sgd_is_watched_under_its_own_convention(convention: str) -> None:
    net = model()
    optimizer = momentum.MomentumSGD(net.parameters(), convention, lr=0.1, momentum=0.9)
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
    assert report.passed, str(report)


class Wrong(torch.optim.SGD):
    """Right but for what `spoil` does around a step; `t` counts the steps."""

    t = 0

    def __init__(self, params: Any, spoil: Callable[..., Any]) -> None:
        super().__init__(params, lr=0.05, momentum=0.9)
        self.spoil = spoil

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        after = self.spoil(self, self.t)
        result = super().step()
        if after is not None:
            after()
        self.t += 1
        return result


def lost_tail(optimizer: Any, t: int) -> Any:
    p = optimizer.param_groups[0]["params"][0]
    tail = p.reshape(-1)[-5:].clone()
    return (lambda: p.reshape(-1)[-5:].copy_(tail)) if t == 4 else None


def scaled_gradient(optimizer: Any, t: int) -> Any:
    p = optimizer.param_groups[0]["params"][1]
    if t != 6 or p.grad is None:
        return None
    p.grad.mul_(1024)
    return lambda: p.grad.div_(1024)


def flipped_bit(optimizer: Any, t: int) -> Any:
    if t == 7:
        p = optimizer.param_groups[0]["params"][0]
        held = optimizer.state[p]["momentum_buffer"].reshape(-1)
        held.view(torch.int32)[17] ^= 1 << 20
    return None


@pytest.mark.parametrize(
    ("spoil", "step", "parameter", "index", "words"),
    [
        (lost_tail, 5, "0.weight", range(292, 297), "left as they were"),
        (flipped_bit, 8, "0.weight", [17], "one flipped bit"),
    ],
)
def test_planted_defects_are_found_where_they_are(
    spoil: Any, step: int, parameter: str, index: Any, words: str
) -> None:
    first = watched(lambda params: Wrong(params, spoil), sample="all").violations[0]
    assert (first.step, first.parameter) == (step, parameter)
    assert first.index in index
    assert words in first.cause
    assert first.ratio > 1


def test_a_gradient_that_is_scaled_within_the_step_is_said_to_move_too_far() -> None:
    first = watched(lambda params: Wrong(params, scaled_gradient)).violations[0]
    assert (first.step, first.parameter) == (7, "0.bias")


def test_a_velocity_that_ignores_a_load_is_found_at_the_next_step() -> None:
    net = model()

    class Stale(torch.optim.SGD):
        def load_state_dict(self, state_dict: Any) -> None:
            self.mine = {p: s["momentum_buffer"] for p, s in self.state.items()}
            super().load_state_dict(state_dict)

        def step(self, closure: Any = None) -> Any:
            for p, v in self.__dict__.pop("mine", {}).items():
                self.state[p]["momentum_buffer"] = v
            return super().step()

    optimizer = Stale(net.parameters(), lr=0.05, momentum=0.9)
    train(net, optimizer)
    zeros = copy.deepcopy(optimizer.state_dict())
    for state in zeros["state"].values():
        state["momentum_buffer"] = torch.zeros_like(state["momentum_buffer"])
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
        optimizer.load_state_dict(zeros)
        train(net, optimizer)
    assert report.violations[0].step == STEPS + 1


def older(net: nn.Module, state: Any, old: Any, old_net: Any) -> Any:
    return old


def one_older(net: nn.Module, state: Any, old: Any, old_net: Any) -> Any:
    state["state"][2] = old["state"][2]
    return state


def all_older(net: nn.Module, state: Any, old: Any, old_net: Any) -> Any:
    net.load_state_dict(old_net)
    return old


def narrower(net: nn.Module, state: Any, old: Any, old_net: Any) -> Any:
    for one in state["state"].values():
        one["momentum_buffer"] = one["momentum_buffer"].bfloat16().float()
    return state


def one_at_rest(net: nn.Module, state: Any, old: Any, old_net: Any) -> Any:
    state["state"][2]["momentum_buffer"].zero_()
    return state


OTHER = (
    "the state loaded after step 24 has another velocity for 2.weight, and for 3 parameters that"
    " which they had"
)
LEFT = "a load left the parameters and brought other velocities than they had"


@pytest.mark.parametrize(
    ("change", "parted", "noted"),
    [
        (one_older, OTHER, False),
        (older, "", True),
        (all_older, "", False),
        (narrower, "", False),
        (one_at_rest, "", False),
    ],
)
def test_a_load_brings_the_velocities_of_one_time(
    tmp_path: Path, change: Callable[..., Any], parted: str, noted: bool
) -> None:
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    with momentum.watch(optimizer, names=net.named_parameters()) as report:
        train(net, optimizer)
        old = copy.deepcopy((optimizer.state_dict(), net.state_dict()))
        train(net, optimizer)
        optimizer.load_state_dict(change(net, copy.deepcopy(optimizer.state_dict()), *old))
        train(net, optimizer)
    assert not report.violations
    assert (report.parted, report.passed, LEFT in report.notes) == (parted, not parted, noted)
    report.write(tmp_path / "watch.jsonl")
    told = records.read(tmp_path / "watch.jsonl")
    assert (told.parted, told.velocities) == (report.parted, report.velocities)


def test_raising_stops_the_training_at_the_violation() -> None:
    with pytest.raises(WatchError, match=r"step 5, rank 0, group 0, 0\.weight\[32, \d\]"):
        watched(lambda params: Wrong(params, lost_tail), on_violation="raise")


def test_unknown_optimizers_are_refused_with_help() -> None:
    optimizer = torch.optim.Adam(model().parameters())
    with pytest.raises(ValueError, match="say which"), momentum.watch(optimizer):
        pass


def test_the_report_is_readable_json_lines(tmp_path: Path) -> None:
    report = watched(lambda params: Wrong(params, lost_tail))
    report.write(tmp_path / "watch.jsonl")
    lines = [json.loads(x) for x in (tmp_path / "watch.jsonl").read_text().splitlines()]
    assert lines[0]["record"] == "header"
    assert lines[-1]["count"] == report.count
    wrong = [x for x in lines if x["record"] == "violation"]
    assert len(wrong) == report.count
    assert wrong[0]["parameter"] == "0.weight"
    assert "FAILED" in str(report)


def test_an_optimizer_without_a_momentum_of_its_own_is_watched() -> None:
    class Descent(torch.optim.Optimizer):
        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad, alpha=-group["lr"])

    net = model()
    optimizer = Descent(net.parameters(), {"lr": 0.1})
    with momentum.watch(optimizer, "torch") as report:
        train(net, optimizer)
    assert report.passed, str(report)
