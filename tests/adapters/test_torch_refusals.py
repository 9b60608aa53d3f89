"""What torch itself refuses inside an optimizer's step, and steps that cannot be driven."""

import pytest
import torch

from momentum.adapters import adapt
from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.errors import UsageError
from momentum.runner.one_check import run_check

NOT_ADDED = "add(sparse, dense) is not supported. Use add(dense, sparse) instead."


class Plain(torch.optim.Optimizer):
    """The rule as it is written, with the gradient as it comes."""

    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov}
        super().__init__(params, {**defaults, "weight_decay": weight_decay})

    def looking_ahead(self, d, v, momentum):
        return d + momentum * v

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                d, momentum = p.grad, group["momentum"]
                if group["weight_decay"]:
                    d = d + group["weight_decay"] * p
                old = self.state[p].get("v", torch.zeros_like(p))
                self.state[p]["v"] = v = momentum * old + d
                move = self.looking_ahead(d, v, momentum) if group["nesterov"] else v
                p.add_(move, alpha=-group["lr"])


class Copied(Plain):
    def looking_ahead(self, d, v, momentum):
        return torch.empty_like(v).copy_(d) + momentum * v


class Reshaped(Plain):
    def looking_ahead(self, d, v, momentum):
        return d.reshape(v.shape) + momentum * v


class Interpolated(Plain):
    def looking_ahead(self, d, v, momentum):
        return (momentum * v).lerp(d, 0.5) * 2


class Halved(Plain):
    """Takes sparse gradients and makes a wrong number of them."""

    def looking_ahead(self, d, v, momentum):
        return momentum * v + (d / 2 if d.is_sparse else d)


class Mistaken(Plain):
    """A wrong shape, said by torch, in a step on sparse gradients."""

    def looking_ahead(self, d, v, momentum):
        return momentum * v + (d.to_dense().reshape(-1)[:-1] if d.is_sparse else d)


def result(optimizer, check):
    subject = adapt(optimizer, {}, optimizer.__name__)
    assert "sparse" in subject.facts.offers
    return run_check(CHECKS[check], subject, get("zero_started"), "float32", "quick")


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (Plain, NOT_ADDED),
        (Copied, "copy_() between dense and sparse Tensors is not implemented!"),
        (Reshaped, "reshape is not implemented for sparse tensors"),
        (Interpolated, "Could not run 'aten::lerp"),
    ],
)
def test_what_torch_says_of_sparse_operands_is_a_refusal_in_that_combination(optimizer, words):
    found = result(optimizer, "sparse_stands_for_dense")
    assert found.verdict == "passed", (found.reason, found.where)
    assert found.reason.startswith(f"refuses sparse gradients with nesterov: {words}")


def test_other_errors_and_wrong_numbers_on_sparse_gradients_are_no_refusals():
    assert result(Halved, "sparse_stands_for_dense").verdict == "failed"
    assert result(Mistaken, "sparse_stands_for_dense").verdict == "errored"


def test_decay_that_is_added_to_sparse_gradients_is_advised_against():
    found = result(Plain, "sparse_gradients_take_decay")
    assert (found.verdict, NOT_ADDED in found.where) == ("failed", True)


def test_the_words_of_sparse_operands_in_a_dense_step_are_an_error():
    class Confused(Plain):
        def looking_ahead(self, d, v, momentum):
            return d.to_dense().to_sparse() + v

    assert result(Confused, "nesterov_agrees").verdict == "errored"


class Wanting(Plain):
    def step(self, closure):
        closure()
        return super().step()


class WantingMore(Plain):
    def step(self, closure, *, loss):
        return super().step(closure)


class Open(Plain):
    def step(self, *arguments, **named):
        return super().step(*arguments, **named)


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (Wanting, "step() needs a closure; write step(self, closure=None)"),
        (torch.optim.LBFGS, "step() needs a closure"),
        (WantingMore, "step() needs closure and loss; write step(self, closure=None, loss=None)"),
    ],
)
def test_a_step_that_needs_an_argument_is_refused_once_with_a_way_out(optimizer, words):
    with pytest.raises(UsageError) as caught:
        adapt(optimizer, {}, "x")
    assert str(caught.value).startswith(f"x cannot be stepped: {words}")
    assert "\n" not in str(caught.value)


def test_a_step_that_takes_anything_needs_nothing():
    assert "closure" in adapt(Open, {}, "x").facts.offers
