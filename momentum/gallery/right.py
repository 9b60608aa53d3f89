"""Right optimizers that look different, and that no rewriting of a rule leads to.

No check may fail on one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Unpack

from momentum.conventions import Hyper, Moved, Rule, State, get
from momentum.gallery.machine.bookkeeping import (
    AllocatedAtStart,
    AllVelocitiesFirst,
    Compensated,
    FlatBuffer,
    Master,
    VelocityWithoutLr,
)
from momentum.gallery.machine.machine import DTYPES, Machine
from momentum.gallery.machine.number import Working
from momentum.gallery.wrong._defect import Parts
from momentum.gallery.wrong._terms import X, after, debiased_by_power, decayed
from momentum.subjects.protocol import Subject

HALVES = ("float16", "bfloat16")


@dataclass(frozen=True)
class Reformulation:
    """A right optimizer that looks different.

    statement: what it does. rule: its whole step, where that differs from the convention's.
    hyper: hyper-parameters that it honours. constant: those that stay what they were at the start.
    """

    name: str
    statement: str
    convention: str
    build: Callable[[], Subject]
    dtypes: tuple[str, ...] = DTYPES
    rule: Rule | None = None
    constant: frozenset[str] = frozenset()


REFORMULATIONS: dict[str, Reformulation] = {}


def _add(
    name: str, convention: str, statement: str, rule: Rule | None = None, **machine: Unpack[Parts]
) -> None:
    told = get(convention)
    if name in REFORMULATIONS:
        raise ValueError(f"there are two reformulations called {name}")
    REFORMULATIONS[name] = Reformulation(
        name=name,
        statement=statement,
        convention=convention,
        build=lambda: Machine(name=name, convention=told, rule=rule, **machine),
        dtypes=machine.get("dtypes", DTYPES),
        rule=rule,
        constant=machine.get("fixed_after_start", frozenset()),
    )


def _rule(
    convention: str, statement: str, whole: bool = False, **machine: Unpack[Parts]
) -> Callable[[Rule], Rule]:
    """Register a rule: other algebra."""

    def register(rule: Rule) -> Rule:
        step = rule if whole else replace(get(convention), rule=rule).step
        _add(rule.__name__, convention, statement, rule=step, **machine)
        return rule

    return register


# Other algebra.


@_rule("two_point", "A velocity in place of the last iterate: v = momentum v + lr d.")
def two_point_by_velocity(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    v = h.momentum * state.v + h.lr * decayed(theta, grad, h)
    return theta - v, after(state, v)


@_rule("two_point", "Each iterate has one weight: (1 + momentum) x - momentum x_previous - lr d.")
def two_point_by_weights(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    d, last = decayed(theta, grad, h), state.v if state.step else theta
    return (1 + h.momentum) * theta - h.momentum * last - h.lr * d, after(state, theta)


@_rule(
    "averaged",
    "A sum is kept, and 1 - momentum applied to the step; right while momentum is constant.",
    fixed_after_start=frozenset({"momentum"}),
)
def average_of_sum(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    total = h.momentum * state.v + d
    update = d + h.momentum * total if h.nesterov else total
    return theta - h.lr * ((1 - h.momentum) * update), after(state, total)


_rule(
    "averaged_debiased",
    "The sum of the weights by a power, 1 - momentum^t; right while momentum is constant.",
    fixed_after_start=frozenset({"momentum"}),
    working=Working(wide_hyper=True),
)(debiased_by_power)


@_rule("look_ahead", "The step in two moves: to the look-ahead point, and on by the gradient.")
def moved_twice(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    carried = h.momentum * state.v
    point = theta - carried
    step = h.lr * (grad + h.weight_decay * point)
    return point - step, after(state, carried + step)


# Other rounding.

_add(
    "wider_velocity",
    "accumulated",
    "The velocity of half-precision parameters stays in float32.",
    working=Working(inside=True, wide_state=True),
    dtypes=HALVES,
)

# Other bookkeeping.

_add("flat_buffer", "accumulated", "One buffer for all parameters of a group.", run=FlatBuffer)
_add("allocated_at_start", "zero_started", "Velocities exist before step 1.", run=AllocatedAtStart)
_add("all_velocities_first", "scaled", "All results before all stores.", run=AllVelocitiesFirst)
_add(
    "velocity_without_lr",
    "scaled",
    "v / lr is stored; right while lr is constant, as a rate of 0 leaves nothing to divide by.",
    run=VelocityWithoutLr,
    fixed_after_start=frozenset({"lr"}),
)
_add(
    "master_weights",
    "accumulated",
    "A float32 copy of half-precision parameters is trained; the parameter shows it rounded.",
    run=Master,
    dtypes=HALVES,
)
_add(
    "compensated",
    "zero_started",
    "What rounding cuts off the parameter is added at the next step.",
    run=Compensated,
    hyper=frozenset({"lr", "momentum", "dampening", "nesterov", "maximize"}),
)
