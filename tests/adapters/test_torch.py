"""Torch optimizers as subjects: what is claimed, and what is refused."""

from functools import partial

import numpy as np
import pytest
import torch
from torch_started import SGD, H, started

from momentum.adapters import adapt
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.sgd import MomentumSGD
from momentum.subjects.protocol import OFFERS


def test_facts_of_sgd_come_from_its_signature():
    facts = adapt(SGD, {}, "SGD").facts
    assert facts.hyper == {
        "lr",
        "momentum",
        "dampening",
        "weight_decay",
        "nesterov",
        "maximize",
    }
    assert facts.settable == facts.hyper
    assert facts.fixed == {}
    assert facts.groups
    assert set(facts.offers) == set(OFFERS) - {"point", "nesterov_with_dampening", "keyed"}


def test_facts_of_momentum_sgd_tell_of_its_point_and_of_nesterov_with_dampening():
    assert {"point", "nesterov_with_dampening"} <= adapt(MomentumSGD, {}, "x").facts.offers
    other = adapt(MomentumSGD, {"convention": "look_ahead"}, "x")
    assert "nesterov_with_dampening" not in other.facts.offers


def test_facts_fix_what_the_caller_sets():
    facts = adapt(SGD, {"momentum": 0.9, "foreach": True}, "x").facts
    assert facts.fixed == {"momentum": 0.9}
    assert "momentum" not in facts.hyper


def test_facts_find_what_a_factory_fixes():
    def factory(params, lr):
        return SGD(params, lr, momentum=0.9)

    facts = adapt(factory, {}, "x").facts
    assert facts.hyper == {"lr"}
    assert facts.fixed == {"momentum": 0.9}


def test_facts_of_a_partial_are_those_of_its_class():
    assert adapt(partial(SGD, foreach=True), {}, "x").facts.hyper == adapt(SGD, {}, "x").facts.hyper


class HandsOn(SGD):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class HandsOnTwice(HandsOn):
    """No constructor of its own between two that hand on."""


class TakesOneItself(HandsOnTwice):
    def __init__(self, params, lr, **kwargs):
        super().__init__(params, lr=lr, **kwargs)


class HandsOnLess(SGD):
    """Swallows weight_decay, and says itself what momentum is."""

    def __init__(self, params, **kwargs):
        kwargs.pop("weight_decay", None)
        super().__init__(params, momentum=0.9, **kwargs)


@pytest.mark.parametrize("factory", [HandsOn, TakesOneItself, partial(HandsOn, foreach=True)])
def test_facts_read_on_in_the_bases_while_arguments_are_handed_on(factory):
    assert adapt(factory, {}, "x").facts == adapt(SGD, {}, "x").facts
    run = started(factory, hypers=(Hyper(0.5, weight_decay=0.5),), start=[np.ones(1)])
    run.step([np.ones(1)])
    assert run.parameters()[0] == 0.25


def test_facts_hold_no_argument_that_is_not_handed_on():
    facts = adapt(HandsOnLess, {}, "x").facts
    assert facts.hyper == {"lr", "dampening", "nesterov", "maximize"}
    assert facts.fixed == {"momentum": 0.9}


def test_facts_fix_what_the_caller_sets_of_arguments_handed_on():
    subject = adapt(HandsOn, {"momentum": 0.5, "foreach": False}, "x")
    assert subject.facts.fixed == {"momentum": 0.5}
    run = subject.start([np.ones(1)], [H], "float32")
    assert run.optimizer.defaults["momentum"] == 0.5
    assert run.optimizer.defaults["foreach"] is False


class Wrapper(torch.optim.Optimizer):
    """As trainers wrap an optimizer: it is one, and its base was never called."""

    def __init__(self, params, lr, momentum=0.0):
        self.inside = SGD(params, lr=lr, momentum=momentum)
        self.param_groups, self.defaults = self.inside.param_groups, self.inside.defaults
        self.state = self.inside.state

    def step(self, closure=None):
        return self.inside.step(closure)

    def zero_grad(self, set_to_none=True):
        self.inside.zero_grad(set_to_none)


def test_facts_offer_no_hooks_where_none_can_be_registered():
    assert "hooks" in adapt(SGD, {}, "SGD").facts.offers
    assert "hooks" not in adapt(Wrapper, {}, "Wrapper").facts.offers


class OtherNames(torch.optim.Optimizer):
    def __init__(self, params, learning_rate=0.1, mass=0.0):
        super().__init__(params, {"learning_rate": learning_rate, "mass": mass})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad, alpha=-group["learning_rate"])


def test_facts_know_other_names_for_hyperparameters():
    facts = adapt(OtherNames, {}, "x").facts
    assert facts.hyper == {"lr", "momentum"}
    assert "schedulers" not in facts.offers  # torch's look for a key "lr"
    run = adapt(OtherNames, {}, "x").start([np.zeros(1)], [Hyper(0.5)], "float32")
    run.set(Hyper(0.25))
    run.step([np.ones(1)])
    assert run.parameters()[0] == -0.25


def needs_size(params, lr, size):
    return SGD(params, lr)


def returns_nothing(params, lr):
    return None


def raises(params, lr):
    raise RuntimeError("no\nway")


@pytest.mark.parametrize(
    ("factory", "fixed", "words"),
    [
        (SGD, {"fuse": True}, "takes no 'fuse': it takes lr, momentum"),
        (SGD, {"nu": 0.5}, "takes no 'nu'"),
        (needs_size, {}, "needs size: give --set size=VALUE"),
        (returns_nothing, {}, "returned NoneType, wanted an Optimizer"),
        (raises, {}, "cannot be built: RuntimeError: no way"),
        (SGD, {"momentum": -1.0}, "cannot be built: ValueError: Invalid momentum value: -1.0"),
    ],
)
def test_adapt_refuses_what_does_not_fit_in_one_line(factory, fixed, words):
    with pytest.raises(UsageError) as caught:
        adapt(factory, fixed, "x")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


class Switched(torch.optim.SGD):
    """dampening is a switch: the gradient's share is 1 - momentum where it is on."""

    def __init__(self, params, lr, momentum=0.0, dampening: bool = False):
        super().__init__(params, lr, momentum, dampening=momentum if dampening else 0.0)


def test_dampening_that_is_a_switch_is_no_number():
    assert adapt(Switched, {}, "x").facts.hyper == {"lr", "momentum"}
    run = adapt(Switched, {"dampening": True}, "x").start(
        [np.zeros(1)], [Hyper(0.5, 0.5, 0.5)], "float32"
    )
    for _ in range(2):
        run.step([np.ones(1)])
    assert float(run.parameters()[0][0]) == -1.0  # v = 1, then 1/2 + 1/2


class Wrapping(torch.optim.Optimizer):
    """Passes all on to an optimizer inside, and never calls its base class."""

    def __init__(self, params, lr=0.1, momentum=0.0):
        self.inner = SGD(params, lr=lr, momentum=momentum)
        self.defaults, self.param_groups = self.inner.defaults, self.inner.param_groups

    def step(self, closure=None):
        return self.inner.step(closure)

    def zero_grad(self, set_to_none=True):
        self.inner.zero_grad(set_to_none)


def test_a_wrapper_without_its_base_is_not_copied():
    """A copy would hook the steps of its class, whose instances have no hooks to call."""
    offers = adapt(Wrapping, {}, "x").facts.offers
    assert not offers & {"deepcopy", "pickle", "hooks"}
    assert offers >= {"place", "restart"}
    assert adapt(SGD, {}, "x").facts.offers >= {"deepcopy", "pickle", "hooks"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_formats_that_a_step_refuses_are_not_claimed(dtype):
    class One(SGD):
        def step(self, closure=None):
            if self.param_groups[0]["params"][0].dtype != getattr(torch, dtype):
                raise RuntimeError("one format only")
            return super().step(closure)

    facts = adapt(One, {}, "One").facts
    assert facts.dtypes == (dtype,)
    assert facts.left["float16"] == "refuses float16: one format only"
