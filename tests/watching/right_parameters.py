"""Right trainings: parameters, groups, copies and rules of their own."""

import copy
from typing import Any

import numpy as np
import pytest
from trainings import STEPS, model, nn, right, sgd, train, watched

import momentum
from momentum.conventions import Convention, Hyper

torch = pytest.importorskip("torch")


@right
def groups_of_their_own_added_in_mid_run() -> Any:
    net = model()
    first, last = net[0].parameters(), net[2].parameters()
    optimizer = torch.optim.SGD([{"params": list(first), "momentum": 0.0}], lr=0.1, momentum=0.9)

    def add(t: int) -> None:
        if t == 3:
            optimizer.add_param_group({"params": list(last), "lr": 0.01, "weight_decay": 0.1})

    return watched(net, optimizer, add)


@right
def parameters_replaced_and_changed() -> Any:
    net = model()
    optimizer = sgd(net)

    def change(t: int) -> None:
        if t == 3:
            fresh = nn.Parameter(torch.ones(3))
            net[2].bias = optimizer.param_groups[0]["params"][3] = fresh
            fresh.grad = torch.ones(3)
        if t == 5:
            net[0].weight.data = net[0].weight.data.clone() * 0.5
        if t == 7:
            net[0].weight.data.clamp_(-0.1, 0.1)

    return watched(net, optimizer, change)


@right
def none_gradients_and_frozen_ones() -> Any:
    net = model()
    net[0].bias.requires_grad_(False)
    optimizer = sgd(net, weight_decay=0.1)

    def drop(t: int) -> None:
        for i, p in enumerate(net.parameters()):
            if (t + i) % 3 == 0:
                p.grad = None

    return watched(net, optimizer, drop, every=4)


@right
def gradients_that_go_missing_again_and_again() -> Any:
    net = model()
    optimizer = sgd(net, weight_decay=0.1)

    def drop(t: int) -> None:
        for i, p in enumerate(net.parameters()):
            if t and i > 3 - t:  # one more each step, and none of the later ones ever again
                p.grad = None

    with momentum.watch(optimizer, every=3) as report:
        train(net, optimizer, drop)
        train(net, optimizer)
    return report


@right
def averaged_weights_and_batch_norm() -> Any:
    net = nn.Sequential(nn.Linear(6, 17), nn.BatchNorm1d(17), nn.ReLU(), nn.Linear(17, 3))
    average = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
    )
    optimizer = sgd(net)

    def swap(t: int) -> None:
        average.update_parameters(net)
        if t == 5:  # as for an evaluation in the middle
            kept = copy.deepcopy(net.state_dict())
            net.load_state_dict(average.module.state_dict())
            net.load_state_dict(kept)

    return watched(net, optimizer, swap)


@right
def a_lazy_layer() -> Any:
    net = nn.Sequential(nn.LazyLinear(17), nn.Tanh(), nn.Linear(17, 3))
    optimizer = sgd(net)
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
    assert len(report.tensors) == 4
    return report


@right
def tied_weights() -> Any:
    net = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Linear(6, 3))
    net[2].weight = net[0].weight
    return watched(net, sgd(net))


@right
def complex_parameters_and_strided_ones() -> Any:
    z = torch.randn(5, dtype=torch.complex64, requires_grad=True)
    x = torch.randn(4, 6).t().requires_grad_()
    optimizer = torch.optim.SGD([z, x], lr=0.1, momentum=0.9, weight_decay=0.1)
    with momentum.watch(optimizer) as report:
        for _ in range(STEPS):
            optimizer.zero_grad()
            (z.abs().square().sum() + x.square().sum()).backward()
            optimizer.step()
    return report


@right
def sparse_gradients() -> Any:
    table = nn.Embedding(50, 3, sparse=True)
    optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
    with momentum.watch(optimizer, sample=40) as report:
        for t in range(STEPS):
            optimizer.zero_grad()
            table(torch.tensor([t, 2 * t, 7])).square().sum().backward()
            optimizer.step()
    return report


@right
def a_subclass_that_adds_nothing_to_the_rule() -> Any:
    class Counting(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            self.steps = getattr(self, "steps", 0) + 1
            return super().step(closure)

    net = model()
    return watched(net, Counting(net.parameters(), lr=0.1, momentum=0.9))


@right
def a_copy_of_a_watched_optimizer() -> Any:
    net = model()
    optimizer = sgd(net)
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
        other_net, other = copy.deepcopy((net, optimizer))
        train(other_net, other)
        train(net, optimizer)
    assert report.steps == 2 * STEPS
    return report


@right
def watched_twice_at_once_and_again() -> Any:
    net = model()
    optimizer = sgd(net)
    with momentum.watch(optimizer) as first, momentum.watch(optimizer, every=3) as second:
        train(net, optimizer)
    with momentum.watch(optimizer) as third:
        train(net, optimizer)
    assert first.passed
    assert second.passed, str(second)
    return third


@right
def numbers_that_overflow() -> Any:
    net = model()
    return watched(net, sgd(net, lr=1e30))


@right
def a_custom_optimizer_under_its_own_rule() -> Any:
    class Signed(torch.optim.Optimizer):
        """v = beta v + sign(g); x = x - rate v, under names of its own."""

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    v = self.state[p].setdefault("m", torch.zeros_like(p))
                    v.mul_(group["beta"]).add_(p.grad.sign())
                    p.sub_(v, alpha=group["rate"])

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        v = h.momentum * state.v + np.sign(grad.value)
        return theta - h.lr * v, state._replace(step=state.step + 1, v=v)

    net = model()
    optimizer = Signed(net.parameters(), {"rate": 0.01, "beta": 0.9})
    with momentum.watch(
        optimizer,
        Convention("signed", rule),
        hyper=lambda group: {"lr": group["rate"], "momentum": group["beta"]},
        velocity="m",
    ) as report:
        train(net, optimizer)
    return report


@right
def momentum_sgd_with_a_convention_for_each_group() -> Any:
    net = model()
    groups = [
        {"params": list(net[0].parameters()), "convention": "keras"},
        {"params": list(net[2].parameters()), "convention": "averaged_debiased"},
    ]
    optimizer = momentum.MomentumSGD(groups, lr=0.1, momentum=0.9)
    return watched(net, optimizer, redraw=3, sample=100)
