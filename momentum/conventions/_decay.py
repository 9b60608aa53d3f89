"""Weight decay, as functions from rule to rule.

Coupled decay (L2 regularisation) is part of every rule: d = g + weight_decay theta.
Decoupled decay acts on the parameter itself, beside the rule.
Source: Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, algorithm 1.
"""

from collections.abc import Callable

from momentum.arithmetic.number import Number
from momentum.conventions._rule import N, Rule, S
from momentum.conventions.hyper import Hyper


def _without(h: Hyper) -> Hyper:
    return h._replace(weight_decay=0)


def coupled(rule: Rule) -> Rule:
    """The rule as it is: theta is decayed through its gradient, and so through the velocity."""
    return rule


def before(rule: Rule) -> Rule:
    """theta = (1 - lr weight_decay) theta; then the rule, with the gradient already taken."""

    def decayed(theta: N, grad: Number, state: S, h: Hyper) -> tuple[N, S]:
        return rule((1 - h.lr * h.weight_decay) * theta, grad, state, _without(h))

    return decayed


def simultaneous(rule: Rule) -> Rule:
    """theta = rule(theta) - lr weight_decay theta, with theta from before the step."""

    def decayed(theta: N, grad: Number, state: S, h: Hyper) -> tuple[N, S]:
        moved, state = rule(theta, grad, state, _without(h))
        # keras, numpy: this order of the factors may underflow twice, the other only once
        return moved - h.lr * (h.weight_decay * theta), state

    return decayed


def after(rule: Rule) -> Rule:
    """theta = (1 - lr weight_decay) rule(theta)."""

    def decayed(theta: N, grad: Number, state: S, h: Hyper) -> tuple[N, S]:
        moved, state = rule(theta, grad, state, _without(h))
        return (1 - h.lr * h.weight_decay) * moved, state

    return decayed


KINDS: dict[str, Callable[[Rule], Rule]] = {
    "coupled": coupled,
    "before": before,
    "simultaneous": simultaneous,
    "after": after,
}

EQUAL = ("before", "simultaneous")
"""One rule in exact arithmetic, as the gradient is taken before either; they round differently."""
