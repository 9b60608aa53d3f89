"""The checks of state and hygiene on real optimizers, and on torch optimizers that are wrong."""

from itertools import cycle

import numpy as np
import pytest
import torch

from momentum.adapters import adapt
from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.runner.one_check import run_check
from momentum.sgd import MomentumSGD

FAMILIES = {
    "aliasing",
    "closures",
    "copies",
    "determinism",
    "framework_schedulers",
    "late_groups",
    "layouts",
    "memory",
    "paths",
    "scaler",
    "sparse",
    "state",
    "validation",
}
MINE = sorted(c.name for c in CHECKS.values() if c.family in FAMILIES and "keyed" not in c.needs)

# What torch 2.13 leaves to its user, each one reported or told in its documentation.
KNOWN_OF_TORCH = {
    "handed_over_state_is_not_shared",  # pytorch/pytorch#196083
    "leaves_callers_dicts_alone",  # pytorch/pytorch#51794
    "refuses_foreign_state",  # pytorch/pytorch#7499
    "refuses_numbers_that_are_not_finite",
    "refuses_them_in_every_group",
    "sparse_gradients_take_decay",  # pytorch/pytorch#30402
}
# torch.optim.lr_scheduler.LambdaLR knows the groups of its start only: pytorch/pytorch#53712.
LAMBDA_LR = {"late_group_may_join_a_schedule"}


def verdict(subject, name, convention="torch", dtype=None):
    return run_check(
        CHECKS[name], subject, get(convention), dtype or subject.facts.dtypes[0], "quick"
    )


# With Nesterov the foreach path adds the velocity to the gradients in place (torch/optim/sgd.py,
# _multi_tensor_sgd), unless decay or maximize made copies of them.
KNOWN_OF_FOREACH = {"leaves_gradients_alone", "one_gradient_serves_several"}


@pytest.mark.parametrize("name", sorted(set(MINE) - KNOWN_OF_TORCH - LAMBDA_LR))
def test_torch_sgd_passes(name):
    result = verdict(adapt(torch.optim.SGD, {}, "SGD"), name)
    assert result.verdict == "passed", (result.reason, result.where, result.problem)


@pytest.mark.parametrize("name", sorted(set(MINE) - KNOWN_OF_TORCH - LAMBDA_LR - KNOWN_OF_FOREACH))
def test_torch_sgd_foreach_passes(name):
    result = verdict(adapt(torch.optim.SGD, {"foreach": True}, "SGD"), name)
    assert result.verdict == "passed", (result.reason, result.where, result.problem)


@pytest.mark.parametrize("name", sorted(KNOWN_OF_TORCH | LAMBDA_LR))
def test_what_torch_leaves_to_its_user_is_advice(name):
    assert CHECKS[name].level == "should"


@pytest.mark.parametrize(
    ("name", "convention"),
    [*zip(sorted(set(MINE) - LAMBDA_LR), cycle(["scaled", "averaged_debiased", "look_ahead"]))],
)
def test_momentum_sgd_passes_under_other_conventions(name, convention):
    """The conventions share the checks among them; the machine takes all under each."""
    subject = adapt(MomentumSGD, {"convention": convention}, "MomentumSGD")
    result = verdict(subject, name, convention)
    assert result.verdict in ("passed", "skipped"), (result.reason, result.where, result.problem)


class Base(torch.optim.Optimizer):
    """Right, as far as it goes; each class below is wrong in one way that only torch can be."""

    def __init__(self, params, lr=0.1, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, self.state[p], group)
        return loss

    @torch.no_grad()
    def update(self, p, state, group):
        v = state["v"].mul(group["momentum"]).add(p.grad) if state else p.grad.clone()
        state["v"] = v
        p.sub_(v, alpha=group["lr"])


class InGraph(Base):
    def update(self, p, state, group):
        g = p.grad + 0 * p
        state["v"] = state["v"] * group["momentum"] + g if state else g
        p.data.sub_(state["v"].detach(), alpha=group["lr"])


class NoGradientInClosure(Base):
    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else closure()
        super().step()
        return loss


class ReadsMemoryInOrder(Base):
    @torch.no_grad()
    def update(self, p, state, group):
        flat = p.as_strided((p.numel(),), (1,), p.storage_offset())
        flat.sub_(p.grad.reshape(-1), alpha=group["lr"])


class KeepsGradients(Base):
    def __init__(self, params, lr=0.1, momentum=0.0):
        super().__init__(params, lr, momentum)
        self.history = []

    def update(self, p, state, group):
        self.history.append(p.grad)
        super().update(p, state, group)


class LosesAttribute(Base):
    def __init__(self, params, lr=0.1, momentum=0.0):
        super().__init__(params, lr, momentum)
        self.sign = -1.0

    @torch.no_grad()
    def update(self, p, state, group):
        p.add_(p.grad, alpha=self.sign * group["lr"])


class Unskipping(Base):
    """Handles the scaler's flag by itself, for the parameter only."""

    _step_supports_amp_scaling = True

    @torch.no_grad()
    def update(self, p, state, group):
        scale = 1.0 if self.grad_scale is None else float(self.grad_scale)
        state["v"] = state.get("v", torch.zeros_like(p)) * group["momentum"] + p.grad / scale
        if not float(self.found_inf or 0.0):
            p.sub_(state["v"], alpha=group["lr"])

    grad_scale = found_inf = None


class BuffersOfTheClass(Base):
    buffers = {}

    def update(self, p, state, group):
        super().update(p, self.buffers.setdefault(p, {}), group)


class MasterTellsNobody(Base):
    @torch.no_grad()
    def update(self, p, state, group):
        master = state.setdefault("master", p.double())
        v = state.get("v", torch.zeros_like(master)) * group["momentum"] + p.grad
        state["v"] = v
        p.copy_(master.sub_(v, alpha=group["lr"]))


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (InGraph, "keeps_no_autograd_graph"),
        (NoGradientInClosure, "closure_gives_the_gradients"),
        (ReadsMemoryInOrder, "agrees_in_every_layout"),
        (ReadsMemoryInOrder, "leaves_memory_between_alone"),
        (KeepsGradients, "leaves_no_tensor_behind"),
        (LosesAttribute, "deepcopy_is_faithful"),
        (LosesAttribute, "pickle_is_faithful"),
        (Unskipping, "skipped_step_never_was"),
        (BuffersOfTheClass, "new_optimizer_is_fresh"),
        (MasterTellsNobody, "agrees_from_where_it_is_put"),
    ],
)
def test_check_finds_what_only_torch_can_get_wrong(wrong, name):
    assert verdict(adapt(wrong, {}, "wrong"), name).bad
    if name != "sparse_stands_for_dense":
        assert not verdict(adapt(Base, {}, "base"), name, "accumulated").bad


def test_measurements_say_where():
    result = verdict(adapt(ReadsMemoryInOrder, {}, "x"), "leaves_memory_between_alone")
    assert result.where.startswith("step 1, memory around and between elements of array 0")
    assert np.isfinite(result.error)
