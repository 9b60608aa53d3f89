"""The terms of a rule, one of which is wrong: a defect says which, and what stands for it.

The accumulated rule, with its terms by name:

    d = g + weight_decay x
    v = d at the first step, else momentum v + (1 - dampening) d
    x = x - lr v, or with Nesterov's form x - lr (d + momentum v)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from momentum.arithmetic.number import Number
from momentum.conventions import CONVENTIONS, Hyper, Moved, Rule, State

X = Number
RULE = {name: convention.rule for name, convention in CONVENTIONS.items()}
ACCUMULATED = RULE["accumulated"]


def signed(grad: X, h: Hyper) -> X:
    """The gradient to descend along."""
    return -grad if h.maximize else grad


def decayed(theta: X, grad: X, h: Hyper) -> X:
    """Gradient with coupled decay."""
    d: X = grad + h.weight_decay * theta
    return d


def undecayed(h: Hyper) -> Hyper:
    """The hyper-parameters without decay."""
    return h._replace(weight_decay=0)


def after(state: State, v: X) -> State:
    """The state after a step that left this velocity."""
    return State(state.step + 1, v)


def plain(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    """A whole accumulated step without any decay."""
    return ACCUMULATED(theta, signed(grad, h), state, undecayed(h))


def moved(theta: X, d: X, state: State, h: Hyper, v: X) -> Moved:
    """The accumulated rule's step by this velocity."""
    return theta - h.lr * (d + h.momentum * v if h.nesterov else v), after(state, v)


def moved_scaled(theta: X, d: X, state: State, h: Hyper, v: X) -> Moved:
    """The scaled rule's step by this velocity."""
    return theta - (h.lr * d + h.momentum * v if h.nesterov else v), after(state, v)


def hyper(change: Callable[[Hyper], Hyper], name: str = "accumulated") -> Rule:
    """The rule told other hyper-parameters."""
    return lambda x, g, s, h: RULE[name](x, g, s, change(h))


def fed(change: Callable[[Any], Any]) -> Rule:
    """The rule on another gradient, from the gradient alone."""
    return lambda x, g, s, h: ACCUMULATED(x, change(g), s, h)


def gradient(change: Callable[[Any, X, State, Hyper], X], name: str = "accumulated") -> Rule:
    """The rule with another d, from x, g, the state and the numbers."""
    return lambda x, g, s, h: RULE[name](x, change(x, g, s, h), s, undecayed(h))


def placed(change: Callable[[X, Hyper], X]) -> Rule:
    """A whole step without decay of its own, from another parameter."""
    return lambda x, g, s, h: plain(change(x, h), g, s, h)


def found(change: Callable[[State, Hyper], State], name: str = "accumulated") -> Rule:
    """The rule that finds another state."""
    return lambda x, g, s, h: RULE[name](x, g, change(s, h), h)


def left(change: Callable[[State, State, Hyper], State], name: str = "accumulated") -> Rule:
    """The rule that leaves another state, from the old one, its own and the numbers."""

    def rule(theta: X, grad: X, state: State, h: Hyper) -> Moved:
        moved, new = RULE[name](theta, grad, state, h)
        return moved, change(state, new, h)

    return rule


def landed(change: Callable[[X, X, X, State, Hyper], X], own: Rule = ACCUMULATED) -> Rule:
    """The rule that ends elsewhere, from where it would, x, g, the old state and the numbers."""

    def rule(theta: X, grad: X, state: State, h: Hyper) -> Moved:
        end, new = own(theta, grad, state, h)
        return change(end, theta, grad, state, h), new

    return rule


class Recalling(NamedTuple):
    """A state, and a number of an earlier step."""

    step: int
    v: Any
    number: Any


def recalled(
    number: Callable[[X, State, Hyper], X],
    step: Callable[[X, X, X, State, Hyper], Moved],
    first: bool = False,
) -> Rule:
    """A rule with a number of the step before, or of the first; at the first it is its own.

    step: from that number, x, g, the state and today's numbers.
    """

    def rule(theta: X, grad: X, state: State, h: Hyper) -> Moved:
        now = number(theta, state, h)
        before = state.number if isinstance(state, Recalling) else now
        moved, new = step(before, theta, grad, state, h)
        return moved, Recalling(new.step, new.v, before if first else now)

    return rule


def velocity(
    change: Callable[[X, State, Hyper], X], first: bool = False, by: Callable[..., Moved] = moved
) -> Rule:
    """The accumulated rule with another velocity, from d, the state and the numbers.

    first: at the first step too. by: what makes a step of the velocity.
    """

    def rule(theta: X, grad: X, state: State, h: Hyper) -> Moved:
        d = decayed(theta, grad, h)
        v = d if state.step == 0 and not first else change(d, state, h)
        return by(theta, d, state, h, v)

    return rule


def look(
    change: Callable[[X, X, State, Hyper], X],
    name: str = "accumulated",
    d: Callable[[X, X, Hyper], X] = decayed,
) -> Rule:
    """Another update in Nesterov's form, from d, the new velocity, the state and the numbers."""

    def rule(theta: X, grad: X, state: State, h: Hyper) -> Moved:
        moved, new = RULE[name](theta, grad, state, h)
        if h.nesterov:
            moved = theta - change(d(theta, grad, h), new.v, state, h)
        return moved, new

    return rule


def update(change: Callable[[X, Any, Any, Hyper], X], name: str) -> Rule:
    """Another update in every form, from d, the new state, the old one and the numbers."""

    def rule(theta: X, grad: X, state: State, h: Hyper) -> Moved:
        _, new = RULE[name](theta, grad, state, h)
        return theta - change(decayed(theta, grad, h), new, state, h), new

    return rule


def power(number: X, exponent: int) -> X:
    """number^exponent, for numbers that only multiply."""
    result: X = 1
    for _ in range(exponent):
        result = number * result
    return result


def debiased_by_power(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    """The debiased average whose weights sum up to 1 - momentum^t: at a constant momentum only."""
    _, new = RULE["averaged_debiased"](theta, grad, state, h)
    return theta - h.lr * (new.v / (1 - power(h.momentum, new.step))), new
