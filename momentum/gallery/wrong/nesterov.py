"""Wrong look-ahead: Nesterov's form in place, and the gradient at another point."""

import numpy as np

from momentum.conventions import Hyper, Moved, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong import _terms as terms
from momentum.gallery.wrong._defect import Family, defect, reported, wrong_rule
from momentum.gallery.wrong._families import around, told
from momentum.gallery.wrong._terms import ACCUMULATED, RULE, X, decayed
from momentum.subjects.protocol import Array

# fmt: off
wrong_rule("nesterov_sign", "The look-ahead goes backwards.", "sign: d - momentum v",
           terms.look(lambda d, v, s, h: h.lr * (d - h.momentum * v)), "PaddlePaddle/Paddle#12231")
wrong_rule("nesterov_on_velocity", "The look-ahead is added to the velocity.", "(1 + momentum) v",
           terms.look(lambda d, v, s, h: h.lr * (v + h.momentum * v)), "pytorch/pytorch#5920")
wrong_rule("nesterov_without_decay", "The look-ahead leaves out the decay.",
           "raw gradient in its term",
           terms.look(lambda g, v, s, h: h.lr * (g + h.momentum * v), d=lambda x, g, h: g),
           "apache/mxnet#13683")
told("nesterov_ignored", "Nesterov has no effect.", "the argument is not read",
     lambda run, i, h: h._replace(nesterov=False))
told("nesterov_always", "The step is Nesterov's also when not asked for.", "the default is True",
     lambda run, i, h: h._replace(nesterov=True))
wrong_rule("nesterov_with_old_velocity", "The look-ahead takes the old velocity.",
           "d + momentum v_old",
           terms.look(lambda d, v, s, h: h.lr * (d + h.momentum * s.v)))
wrong_rule("nesterov_without_gradient", "The look-ahead forgets the gradient.", "u = momentum v",
           terms.look(lambda d, v, s, h: h.lr * (h.momentum * v)))
wrong_rule("nesterov_skipped_at_first_step", "The first step is not Nesterov's.",
           "an early return",
           lambda x, g, s, h: RULE["zero_started"](
               x, g, s, h._replace(nesterov=h.nesterov and s.step > 0)),
           convention="zero_started")
wrong_rule("nesterov_dampens_gradient", "The look-ahead's gradient is dampened.",
           "(1 - dampening) d + momentum v",
           terms.look(lambda d, v, s, h: h.lr * ((1 - h.dampening) * d + h.momentum * v)))
wrong_rule("nesterov_gradient_without_lr", "The look-ahead's gradient has no lr.",
           "d + momentum v",
           terms.look(lambda d, v, s, h: d + h.momentum * v, "scaled"), convention="scaled")
wrong_rule("nesterov_velocity_scaled_again", "The look-ahead's velocity is scaled again.",
           "lr (d + momentum v)",
           terms.look(lambda d, v, s, h: h.lr * (d + h.momentum * v), "scaled"),
           convention="scaled")
wrong_rule("nesterov_averaged_with_full_gradient", "The look-ahead takes the full gradient.",
           "d in place of (1 - momentum) d",
           terms.look(lambda d, v, s, h: h.lr * (d + h.momentum * v), "averaged"),
           convention="averaged")
wrong_rule("look_ahead_decays_iterate", "The decay is taken at the iterate.",
           "d = g + weight_decay x, not y",
           terms.gradient(lambda x, g, s, h: decayed(x, g, h), "look_ahead"),
           convention="look_ahead")
Family("point_of")("look_ahead_point_unshifted", "The gradient is taken at the iterate.",
                   "no look-ahead at all", lambda run, i: np.array(run.theta[i]),
                   convention="look_ahead")
around("point_of")("look_ahead_too_far", "The gradient is taken two velocities ahead.",
                   "shifted twice",
                   lambda run, point_of, i: np.asarray(2 * point_of(i) - run.theta[i]),
                   convention="look_ahead")
wrong_rule("look_ahead_not_undone", "The point stays the iterate.", "the look-ahead is not undone",
           terms.landed(lambda end, x, g, s, h: end - h.momentum * s.v, RULE["look_ahead"]),
           "oysteijo/simd_neuralnet#17", convention="look_ahead")
wrong_rule("nesterov_velocity_twice", "The old velocity is applied twice.",
           "the look-ahead is not undone",
           terms.look(lambda d, v, s, h: h.momentum * s.v + v, "scaled"),
           "oysteijo/simd_neuralnet#17", convention="scaled")
wrong_rule("nesterov_with_previous_momentum",
           "The look-ahead uses the momentum of the step before.",
           "momentum is stored with the velocity",
           terms.recalled(
               lambda x, s, h: h.momentum,
               lambda old, *step: terms.look(lambda d, v, s, h: h.lr * (d + old * v))(*step)))
around("update")("nesterov_needs_velocity", "Nesterov without momentum fails.",
                 "the velocity is None there",
                 lambda run, update, i, g, h: update(
                     i, g if h.momentum or not h.nesterov else h.momentum * None, h),
                 "torch/optim#84 torch/optim#27")
# fmt: on


@reported("apache/mxnet#15543 apache/mxnet#16053")
@defect("scaled", "With Nesterov the decay is taken at a parameter already moved.")
def nesterov_on_moved_parameter(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    """X -= momentum^2 v first, then g + weight_decay x."""
    if not h.nesterov:
        return RULE["scaled"](theta, grad, state, h)
    moved = theta - h.momentum * h.momentum * state.v
    d = h.lr * decayed(moved, grad, h)
    return moved - (1 + h.momentum) * d, terms.after(state, h.momentum * state.v + d)


@reported("ml-explore/mlx#87")
@defect("accumulated", "The old velocity is added to the gradient.")
def nesterov_gradient_grows_first(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    """G += momentum v before the velocity is updated with g."""
    if not h.nesterov or state.step == 0:
        return ACCUMULATED(theta, grad, state, h)
    d = decayed(theta, grad, h) + h.momentum * state.v
    v = h.momentum * state.v + (1 - h.dampening) * d
    return theta - h.lr * v, terms.after(state, v)


@defect("accumulated", "The look-ahead stays in the velocity.", "v = d + momentum v is kept")
def nesterov_updates_velocity_with_update(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    moved, new = ACCUMULATED(theta, grad, state, h)
    kept = decayed(theta, grad, h) + h.momentum * new.v if h.nesterov else new.v
    return moved, terms.after(state, kept)


@defect("look_ahead", "The point is ahead by the momentum of the step before.", "found at its end")
class look_ahead_by_the_last_momentum(MachineRun):
    def point_of(self, i: int) -> Array:
        ahead: Array | None = self.aside.get(i)
        return super().point_of(i) if ahead is None else ahead.copy()

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        self.aside[i] = super().point_of(i)
