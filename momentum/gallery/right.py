"""Right optimizers that look different: other algebra, other rounding, other bookkeeping.

No check may fail on one of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from momentum.conventions import CONVENTIONS, Convention, Hyper, Rule, get
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
from momentum.gallery.wrong._defect import RULE, Moved, after, decayed, undecayed
from momentum.subjects.protocol import Subject

X = Any
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


def _add(name: str, convention: str, statement: str, **machine: Any) -> None:
    told = get(convention)
    if name in REFORMULATIONS:
        raise ValueError(f"there are two reformulations called {name}")
    REFORMULATIONS[name] = Reformulation(
        name=name,
        statement=statement,
        convention=convention,
        build=lambda: Machine(name=name, convention=told, **machine),
        dtypes=machine.get("dtypes", DTYPES),
        rule=machine.get("rule"),
        constant=machine.get("fixed_after_start", frozenset()),
    )


def _rule(
    convention: str, statement: str, whole: bool = False, **machine: Any
) -> Callable[[Rule], Rule]:
    """Register a rule: other algebra."""

    def register(rule: Rule) -> Rule:
        step = rule if whole else replace(get(convention), rule=rule).step
        _add(rule.__name__, convention, statement, rule=step, **machine)
        return rule

    return register


# Other algebra.


@_rule("averaged", "The average moves towards the gradient: v + (1 - momentum) (d - v).")
def lerp(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = state.v + (1 - h.momentum) * (d - state.v)
    look = (1 - h.momentum) * d + h.momentum * v
    return theta - h.lr * (look if h.nesterov else v), after(state, v)


@_rule("averaged", "The average comes back from the gradient: d + momentum (v - d).")
def lerp_backwards(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = d + h.momentum * (state.v - d)
    return theta - h.lr * (d + h.momentum * (v - d) if h.nesterov else v), after(state, v)


@_rule("accumulated", "lr in every term: x - (lr momentum v + lr (1 - dampening) d).")
def reassociated(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["accumulated"](theta, grad, state, h)
    d = decayed(theta, grad, h)
    if h.nesterov:
        return theta - (h.lr * h.momentum * new.v + h.lr * d), new
    keep = 1 if state.step == 0 else 1 - h.dampening
    return theta - (h.lr * keep * d + h.lr * h.momentum * state.v), new


@_rule("accumulated", "Old velocity and gradient leave the parameter one by one.")
def two_subtractions(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["accumulated"](theta, grad, state, h)
    d = decayed(theta, grad, h)
    if h.nesterov:
        return theta - h.lr * h.momentum * new.v - h.lr * d, new
    keep = 1 if state.step == 0 else 1 - h.dampening
    return theta - h.lr * h.momentum * state.v - h.lr * keep * d, new


@_rule("zero_started", "Every term by itself: (1 - lr (1 - dampening) decay) x - ....")
def multiplied_out(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    keep = 1 - h.dampening
    v = h.momentum * state.v + keep * grad + keep * h.weight_decay * theta
    if h.nesterov:
        kept = (1 - h.lr * h.weight_decay) * theta
        return kept - h.lr * grad - h.lr * h.momentum * v, after(state, v)
    kept = (1 - h.lr * keep * h.weight_decay) * theta
    return kept - h.lr * (h.momentum * state.v + keep * grad), after(state, v)


@_rule("scaled", "The velocity points downhill: v = momentum v - lr d, x += v.")
def negative_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = h.momentum * state.v - h.lr * d
    return theta + (h.momentum * v - h.lr * d if h.nesterov else v), after(state, v)


@_rule("scaled", "Caffe's Nesterov: x -= (1 + momentum) v - momentum v_old.")
def nesterov_from_both_velocities(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["scaled"](theta, grad, state, h)
    if not h.nesterov:
        return moved, new
    return theta - ((1 + h.momentum) * new.v - h.momentum * state.v), new


@_rule("scaled", "Bengio's Nesterov: x -= momentum^2 v_old + (1 + momentum) lr d.")
def nesterov_from_old_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["scaled"](theta, grad, state, h)
    if not h.nesterov:
        return moved, new
    step = (1 + h.momentum) * (h.lr * decayed(theta, grad, h))
    return theta - (h.momentum * h.momentum * state.v + step), new


@_rule("zero_started", "An update is formed and added: u = -lr v, x += u.")
def update_added(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = h.momentum * state.v + (1 - h.dampening) * d
    return theta + -h.lr * (d + h.momentum * v if h.nesterov else v), after(state, v)


@_rule("accumulated", "maximize goes up: v = momentum v + (g - decay x), x += lr v.", whole=True)
def maximize_upwards(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    if not h.maximize:
        return RULE["accumulated"](theta, grad, state, h)
    d = grad - h.weight_decay * theta
    moved, new = RULE["accumulated"](theta, d, state, undecayed(h)._replace(lr=-h.lr))
    return moved, new


@_rule("accumulated:simultaneous", "Decay by a factor: x (1 - lr decay).", whole=True)
def decay_as_factor(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    kept = theta * (1 - h.lr * h.weight_decay)
    return RULE["accumulated"](kept, -grad if h.maximize else grad, state, undecayed(h))


@_rule("two_point", "A velocity in place of the last iterate: v = momentum v + lr d.")
def two_point_by_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = h.momentum * state.v + h.lr * decayed(theta, grad, h)
    return theta - v, after(state, v)


@_rule("quasi_hyperbolic", "Both means as moves: d + nu (v - d).")
def quasi_hyperbolic_lerp(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = d + h.momentum * (state.v - d)
    return theta - h.lr * (d + h.nu * (v - d)), after(state, v)


@_rule(
    "averaged",
    "A sum is kept, and 1 - momentum applied to the step; right while momentum is constant.",
    fixed_after_start=frozenset({"momentum"}),
)
def average_of_sum(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    total = h.momentum * state.v + d
    update = d + h.momentum * total if h.nesterov else total
    return theta - h.lr * ((1 - h.momentum) * update), after(state, total)


@_rule(
    "averaged_debiased",
    "The sum of the weights by a power, 1 - momentum^t; right while momentum is constant.",
    fixed_after_start=frozenset({"momentum"}),
    working=Working(wide_hyper=True),
)
def debiased_by_power(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["averaged_debiased"](theta, grad, state, h)
    power = 1
    for _ in range(new.step):
        power = h.momentum * power
    return theta - h.lr * (new.v / (1 - power)), new


@_rule("look_ahead", "The step in two moves: to the look-ahead point, and on by the gradient.")
def moved_twice(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    carried = h.momentum * state.v
    point = theta - carried
    step = h.lr * (grad + h.weight_decay * point)
    return point - step, after(state, carried + step)


# Other rounding.

_add("fused_multiply_add", "accumulated", "a b + c in one rounding.", working=Working(fused=True))
_add("fused_multiply_add_scaled", "scaled", "a b + c in one rounding.", working=Working(fused=True))
_add(
    "wider_inside",
    "accumulated",
    "Computed in the next wider format, rounded once when stored.",
    working=Working(inside=True),
    dtypes=("float32", *HALVES),
)
_add(
    "wider_velocity",
    "accumulated",
    "The velocity of half-precision parameters stays in float32.",
    working=Working(inside=True, wide_state=True),
    dtypes=HALVES,
)
_add(
    "double_hyper",
    "accumulated",
    "Hyper-parameters stay float64, so 1 - dampening is not rounded.",
    working=Working(wide_hyper=True),
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


# Every form that the error bound is said to cover.


def _form(convention: Convention, name: str) -> Rule:
    def rule(theta: X, grad: X, state: X, h: Hyper) -> Moved:
        found = {f.__name__: f for f in convention.forms(h)}
        return found.get(name, convention.rule)(theta, grad, state, h)

    return replace(convention, rule=rule).step


def _add_forms() -> None:
    for convention in CONVENTIONS.values():
        takes: dict[str, Any] = dict.fromkeys(convention.takes & {"momentum", "nu"}, 0.5)
        names: dict[str, None] = {}
        for nesterov in (False, True) if "nesterov" in convention.takes else (False,):
            h = Hyper(0.5, weight_decay=0.5, nesterov=nesterov)._replace(**takes)
            names.update({f.__name__: None for f in convention.forms(h)})
        for name in names:
            _add(
                f"{convention.name}_{name}",
                convention.name,
                f"The form {name} of the convention {convention.name}.",
                rule=_form(convention, name),
            )


_add_forms()
