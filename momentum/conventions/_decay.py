"""Weight decay, as functions from rule to rule.

Coupled decay (L2 regularisation) is part of every rule: d = g + weight_decay theta.
Decoupled decay acts on the parameter itself, beside the rule.
Source: Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, algorithm 1.
"""

from collections.abc import Callable
from typing import Any


def _without(h: Any) -> Any:
    return h._replace(weight_decay=0)


def coupled(rule: Any) -> Any:
    """The rule as it is: theta is decayed through its gradient, and so through the velocity."""
    return rule


def before(rule: Any) -> Any:
    """theta = (1 - lr weight_decay) theta; then the rule, with the gradient already taken."""

    def decayed(theta: Any, grad: Any, state: Any, h: Any) -> Any:
        return rule((1 - h.lr * h.weight_decay) * theta, grad, state, _without(h))

    return decayed


def simultaneous(rule: Any) -> Any:
    """theta = rule(theta) - lr weight_decay theta, with theta from before the step."""

    def decayed(theta: Any, grad: Any, state: Any, h: Any) -> Any:
        moved, state = rule(theta, grad, state, _without(h))
        # keras, numpy: this order of the factors may underflow twice, the other only once
        return moved - h.lr * (h.weight_decay * theta), state

    return decayed


def after(rule: Any) -> Any:
    """theta = (1 - lr weight_decay) rule(theta)."""

    def decayed(theta: Any, grad: Any, state: Any, h: Any) -> Any:
        moved, state = rule(theta, grad, state, _without(h))
        return (1 - h.lr * h.weight_decay) * moved, state

    return decayed


KINDS: dict[str, Callable[[Any], Any]] = {
    "coupled": coupled,
    "before": before,
    "simultaneous": simultaneous,
    "after": after,
}

EQUAL = ("before", "simultaneous")
"""One rule in exact arithmetic, as the gradient is taken before either; they round differently."""
