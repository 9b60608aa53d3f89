"""Wrong look-ahead: Nesterov's form in place, and the gradient at another point."""

from typing import Any, NamedTuple

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import (
    RULE,
    Moved,
    RuleRun,
    after,
    decayed,
    defect,
    reported,
    undecayed,
)
from momentum.subjects.protocol import Array

X = Any


def _velocity(theta: X, grad: X, state: X, h: Hyper) -> X:
    return RULE["accumulated"](theta, grad, state, h)[1].v


@reported("PaddlePaddle/Paddle#12231")
@defect("accumulated", "The look-ahead goes backwards.", "sign: d - momentum v")
def nesterov_sign(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = _velocity(theta, grad, state, h)
    update = decayed(theta, grad, h) - h.momentum * v if h.nesterov else v
    return theta - h.lr * update, after(state, v)


@reported("pytorch/pytorch#5920")
@defect("accumulated", "The look-ahead is added to the velocity.", "(1 + momentum) v")
def nesterov_on_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = _velocity(theta, grad, state, h)
    return theta - h.lr * (v + h.momentum * v if h.nesterov else v), after(state, v)


@reported("apache/mxnet#13683")
@defect("accumulated", "The look-ahead leaves out the decay.", "raw gradient in its term")
def nesterov_without_decay(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = _velocity(theta, grad, state, h)
    return theta - h.lr * (grad + h.momentum * v if h.nesterov else v), after(state, v)


@reported("apache/mxnet#15543 apache/mxnet#16053")
@defect("scaled", "With Nesterov the decay is taken at a parameter already moved.")
def nesterov_on_moved_parameter(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """X -= momentum^2 v first, then g + weight_decay x."""
    if not h.nesterov:
        return RULE["scaled"](theta, grad, state, h)
    moved = theta - h.momentum * h.momentum * state.v
    d = decayed(moved, grad, h)
    return moved - (1 + h.momentum) * (h.lr * d), after(state, h.momentum * state.v + h.lr * d)


@reported("oysteijo/simd_neuralnet#17")
@defect("scaled", "The old velocity is applied twice.", "the look-ahead is not undone")
def nesterov_velocity_twice(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    if not h.nesterov:
        return RULE["scaled"](theta, grad, state, h)
    v = h.momentum * state.v + h.lr * decayed(theta, grad, h)
    return theta - h.momentum * state.v - v, after(state, v)


@reported("ml-explore/mlx#87")
@defect("accumulated", "The old velocity is added to the gradient.")
def nesterov_gradient_grows_first(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """G += momentum v before the velocity is updated with g."""
    if not h.nesterov or state.step == 0:
        return RULE["accumulated"](theta, grad, state, h)
    d = decayed(theta, grad, h) + h.momentum * state.v
    v = h.momentum * state.v + (1 - h.dampening) * d
    return theta - h.lr * v, after(state, v)


@reported("torch/optim#84 torch/optim#27")
@defect("accumulated", "Nesterov without momentum fails.", "the velocity is None there")
class nesterov_needs_velocity(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        velocity: Any = None
        super().update(i, grad if h.momentum or not h.nesterov else h.momentum * velocity, h)


@defect("accumulated", "Nesterov has no effect.", "the argument is not read")
class nesterov_ignored(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(nesterov=False)


@defect("accumulated", "The step is Nesterov's also when not asked for.", "the default is True")
class nesterov_always(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(nesterov=True)


@defect("accumulated", "The look-ahead takes the old velocity.", "d + momentum v_old")
def nesterov_with_old_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = _velocity(theta, grad, state, h)
    update = decayed(theta, grad, h) + h.momentum * state.v if h.nesterov else v
    return theta - h.lr * update, after(state, v)


@defect("accumulated", "The look-ahead forgets the gradient.", "u = momentum v")
def nesterov_without_gradient(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = _velocity(theta, grad, state, h)
    return theta - h.lr * (h.momentum * v if h.nesterov else v), after(state, v)


@defect("zero_started", "The first step is not Nesterov's.", "an early return")
def nesterov_skipped_at_first_step(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    plain = h._replace(nesterov=h.nesterov and state.step > 0)
    return RULE["zero_started"](theta, grad, state, plain)


@defect("accumulated", "The look-ahead's gradient is dampened.", "(1 - dampening) d + momentum v")
def nesterov_dampens_gradient(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = _velocity(theta, grad, state, h)
    d = (1 - h.dampening) * decayed(theta, grad, h)
    return theta - h.lr * (d + h.momentum * v if h.nesterov else v), after(state, v)


@defect("scaled", "The look-ahead's gradient has no lr.", "d + momentum v")
def nesterov_gradient_without_lr(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["scaled"](theta, grad, state, h)
    d = decayed(theta, grad, h)
    return theta - (d + h.momentum * new.v if h.nesterov else new.v), new


@defect("scaled", "The look-ahead's velocity is scaled again.", "lr (d + momentum v)")
def nesterov_velocity_scaled_again(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["scaled"](theta, grad, state, h)
    d = decayed(theta, grad, h)
    return theta - (h.lr * (d + h.momentum * new.v) if h.nesterov else new.v), new


class _Before(NamedTuple):
    """State with the momentum of the step before."""

    step: int
    v: Any
    momentum: Any


@defect("accumulated", "The look-ahead uses the momentum of the step before.")
def nesterov_with_previous_momentum(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """Momentum is stored with the velocity."""
    v = _velocity(theta, grad, state, h)
    momentum = state.momentum if isinstance(state, _Before) else h.momentum
    update = decayed(theta, grad, h) + momentum * v if h.nesterov else v
    return theta - h.lr * update, _Before(state.step + 1, v, h.momentum)


@defect("accumulated", "The look-ahead stays in the velocity.", "v = d + momentum v is kept")
def nesterov_updates_velocity_with_update(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = _velocity(theta, grad, state, h)
    update = decayed(theta, grad, h) + h.momentum * v if h.nesterov else v
    return theta - h.lr * update, after(state, update)


@defect("averaged", "The look-ahead takes the full gradient.", "d in place of (1 - momentum) d")
def nesterov_averaged_with_full_gradient(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["averaged"](theta, grad, state, h)
    update = decayed(theta, grad, h) + h.momentum * new.v
    return (theta - h.lr * update if h.nesterov else moved), new


@reported("oysteijo/simd_neuralnet#17")
@defect("look_ahead", "The point stays the iterate.", "the look-ahead is not undone")
def look_ahead_not_undone(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["look_ahead"](theta, grad, state, h)
    return moved - h.momentum * state.v, new


@defect("look_ahead", "The gradient is taken at the iterate.", "no look-ahead at all")
class look_ahead_point_unshifted(MachineRun):
    def point_of(self, i: int) -> Array:
        return np.array(self.theta[i])


@defect("look_ahead", "The gradient is taken two velocities ahead.", "shifted twice")
class look_ahead_too_far(MachineRun):
    def point_of(self, i: int) -> Array:
        once = super().point_of(i)
        return np.asarray(once + (once - self.theta[i]))


@defect("look_ahead", "The decay is taken at the iterate.", "d = g + weight_decay x, not y")
def look_ahead_decays_iterate(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["look_ahead"](theta, decayed(theta, grad, h), state, undecayed(h))
