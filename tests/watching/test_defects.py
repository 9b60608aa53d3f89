"""Defects of released optimizers, and of a training, found while it runs."""

from typing import Any

import numpy as np
import pytest

import momentum
from momentum.conventions import Convention, Hyper

torch = pytest.importorskip("torch")
nn = torch.nn


def model(dtype: Any = None) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(9, 33), nn.Tanh(), nn.Linear(33, 4)).to(dtype or torch.float32)


def train(net: Any, optimizer: Any, scaler: Any = None, steps: int = 6) -> None:
    generator = torch.Generator().manual_seed(1)
    for t in range(steps):
        optimizer.zero_grad()
        x = torch.randn((16, 9), generator=generator).to(next(net.parameters()).dtype)
        loss = net(x).square().mean()
        if scaler is None:
            loss.backward()
            optimizer.step()
            continue
        scaler.scale(loss).backward()
        if t == 0:
            next(net.parameters()).grad[0] = torch.inf
        scaler.step(optimizer)
        scaler.update()


# Each has its script in docs/findings.md.


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_torch_fused_leaves_half_precision_as_it_was(dtype: Any) -> None:
    net = model(dtype)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9, fused=True)
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
    assert report.violations[0].step == 1
    assert report.violations[0].cause == "they were left as they were"


def test_torch_fused_takes_memory_order_for_element_order() -> None:
    x = torch.arange(6.0).reshape(2, 3).t().requires_grad_()
    optimizer = torch.optim.SGD([x], lr=1.0, fused=True)
    with momentum.watch(optimizer) as report:
        x.grad = torch.arange(6.0).reshape(3, 2)
        optimizer.step()
    assert report.violations[0].step == 1


def test_torch_fused_uses_a_velocity_that_a_skipped_step_never_wrote() -> None:
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    empty = torch.empty_like

    def filled(*args: Any, **kwargs: Any) -> Any:
        return empty(*args, **kwargs).fill_(3.0)  # what memory holds is chance

    with pytest.MonkeyPatch.context() as patch, momentum.watch(optimizer) as report:
        patch.setattr(torch, "empty_like", filled)
        train(net, optimizer, scaler)
    assert report.violations[0].step == 2


def test_a_step_that_forgets_the_scale_is_said_to() -> None:
    class Unscaled(torch.optim.SGD):
        """Says that it divides by the scale itself, and does not."""

        _step_supports_amp_scaling = True

        def step(self, closure: Any = None) -> None:
            if self.found_inf.item():
                return
            scale, self.grad_scale, self.found_inf = self.grad_scale, None, None
            super().step()
            self.grad_scale = scale

    net = model()
    optimizer = Unscaled(net.parameters(), lr=0.1, momentum=0.9)
    with momentum.watch(optimizer, names=net.named_parameters()) as report:
        train(net, optimizer, torch.amp.GradScaler("cpu", init_scale=2.0**10))
    first = report.violations[0]
    assert first.step == 2  # the first was skipped
    assert first.cause.endswith("the gradient was not divided by its scale of 512")


def test_a_step_that_a_scaler_skips_must_leave_the_parameters() -> None:
    class Eager(torch.optim.SGD):
        _step_supports_amp_scaling = True

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for p in self.param_groups[0]["params"]:
                p.sub_(0.5)

    net = model()
    optimizer = Eager(net.parameters(), lr=0.1)
    with momentum.watch(optimizer) as report:
        train(net, optimizer, torch.amp.GradScaler("cpu"), steps=1)
    assert {(v.step, v.how, v.ratio) for v in report.violations} == {(1, "skipped", np.inf)}


def test_a_wrong_unverified_step_is_traced_to_where_it_was() -> None:
    class Losing(torch.optim.SGD):
        t = 0

        def step(self, closure: Any = None) -> None:
            bias = self.param_groups[0]["params"][1].data
            kept = bias[-2:].clone()
            super().step(closure)
            self.t += 1
            if self.t == 6:
                bias[-2:] = kept

    net = model()
    optimizer = Losing(net.parameters(), lr=0.1, momentum=0.9)
    with momentum.watch(optimizer, every=10) as report:
        train(net, optimizer, steps=12)
    assert report.violations[0].step == 6
    assert report.violations[0].parameter == "0.bias"
    assert report.violations[0].cause == "they were left as they were"


def test_a_stale_gradient_and_a_lost_velocity_are_named() -> None:
    class Stale(torch.optim.SGD):
        t = 0

        def step(self, closure: Any = None) -> Any:
            p = self.param_groups[0]["params"][0]
            mine = p.grad.clone()
            if self.t == 3:
                p.grad.copy_(self.old)
            if self.t == 5:
                self.state[p]["momentum_buffer"].zero_()
            super().step(closure)
            self.old, self.t = mine, self.t + 1

    net = model()
    optimizer = Stale(net.parameters(), lr=0.1, momentum=0.9)
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
    causes = {v.step: v.cause for v in report.violations}
    assert causes[4] == "the gradient is that of the step before"
    assert causes[6] == "the velocity did not act"


def test_a_custom_rule_is_held_to_its_own_numbers() -> None:
    class Signed(torch.optim.Optimizer):
        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for p in self.param_groups[0]["params"]:
                p.sub_(p.grad.sign(), alpha=self.param_groups[0]["lr"])

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        return theta - 2 * h.lr * np.sign(grad.value), state._replace(step=state.step + 1)

    net = model()
    optimizer = Signed(net.parameters(), {"lr": 0.01})
    with momentum.watch(optimizer, Convention("twice_the_sign", rule)) as report:
        train(net, optimizer)
    assert report.violations[0].step == 1


def test_a_state_without_a_known_velocity_is_refused_with_help() -> None:
    p = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    optimizer.state[p]["speed"] = torch.ones(3)
    with pytest.raises(ValueError, match=r"speed .*velocity=\.\.\."), momentum.watch(optimizer):
        pass
    with momentum.watch(optimizer, velocity="speed") as report:
        pass
    assert not report.passed
    assert report.verdict == "nothing verified"


def test_an_exception_within_takes_the_hooks_off_and_keeps_what_was_found() -> None:
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    reports = []

    def broken() -> None:
        with momentum.watch(optimizer, every=10) as report:
            reports.append(report)
            train(net, optimizer, steps=5)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    (report,) = reports
    train(net, optimizer, steps=3)
    assert (report.steps, report.verified) == (5, 2)
    assert report.passed


def test_numbers_that_are_lost_claim_nothing() -> None:
    p = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
    with momentum.watch(optimizer) as report:
        p.grad = torch.full((3,), torch.nan)
        optimizer.step()
    assert not report.violations
    assert not report.passed
    assert report.verdict == "nothing verified"
