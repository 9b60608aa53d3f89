"""Wrong rules: the velocity and what the parameter makes of it."""

from typing import Any, NamedTuple

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RULE, Moved, RuleRun, after, decayed, defect, reported
from momentum.subjects.protocol import Array

X = Any


@reported("ooples/AiDotNet#2008")
@defect("accumulated", "Momentum multiplies the gradient.")
def momentum_on_gradient(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """V += momentum d."""
    d = decayed(theta, grad, h)
    v = state.v + h.momentum * d
    return theta - h.lr * (d + h.momentum * v if h.nesterov else v), after(state, v)


@reported("mdenil/dropout#4")
@defect("zero_started", "The parameter moves one step late.", "it takes the old velocity")
def step_with_old_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["zero_started"](theta, grad, state, h)
    return theta - h.lr * state.v, new


@reported("mdenil/dropout#4")
@defect("averaged", "Updates are too small by 1 - momentum.")
def one_minus_momentum_twice(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """The factor is in the velocity and in the step."""
    v = h.momentum * state.v + (1 - h.momentum) * decayed(theta, grad, h)
    return theta - h.lr * (1 - h.momentum) * v, after(state, v)


@reported("kozistr/pytorch_optimizer#516")
@defect("accumulated", "Momentum has no effect.", "every step allocates the velocity anew")
def velocity_reset_every_step(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["accumulated"](theta, grad, state, h)
    return moved, new._replace(v=0 * new.v)


@reported("YudeWang/SEAM#21")
@defect("accumulated", "Weight decay is taken for momentum, and there is no decay.")
class decay_used_as_momentum(RuleRun):
    """Arguments passed by position in another order."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(momentum=h.weight_decay, weight_decay=0.0)


@reported("KellerJordan/Muon#4")
@defect("accumulated", "Without Nesterov the velocity is not used.", "u = d")
def velocity_unused_without_nesterov(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["accumulated"](theta, grad, state, h)
    return (moved if h.nesterov else theta - h.lr * decayed(theta, grad, h)), new


@reported("hpcaitech/ColossalAI#633")
@defect("accumulated", "Only as many elements move as the parameter has rows.")
class only_leading_rows_updated(MachineRun):
    """Size of the first dimension in place of the number of elements."""

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        if before.ndim:
            still = np.arange(before.size).reshape(before.shape) >= before.shape[0]
            self.theta[i][still] = before[still]


@defect("accumulated", "The velocity holds the learning rate.", "another convention's rule")
def lr_inside(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    keep = 1 if state.step == 0 else 1 - h.dampening
    d = decayed(theta, grad, h)
    v = h.momentum * state.v + h.lr * keep * d
    return theta - (h.lr * d + h.momentum * v if h.nesterov else v), after(state, v)


@defect("scaled", "The velocity does not hold the learning rate.", "another convention's rule")
def lr_outside(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["zero_started"](theta, grad, state, h)


@defect("scaled", "The learning rate is applied twice.", "in the velocity and in the step")
def lr_applied_twice(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    v = h.momentum * state.v + h.lr * decayed(theta, grad, h)
    return theta - h.lr * v, after(state, v)


@defect("accumulated", "The velocity is an average, not a sum.", "factor 1 - momentum on d")
def sum_taken_as_average(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["averaged"](theta, grad, state, h)


@defect("averaged", "The velocity is a sum, not an average.", "no factor 1 - momentum on d")
def average_taken_as_sum(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["zero_started"](theta, grad, state, h)


@defect("averaged_debiased", "Early steps are too small.", "no division by the weights' sum")
def bias_correction_missing(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["averaged_debiased"](theta, grad, state, h)
    return theta - h.lr * new.v, new


@defect("averaged_debiased", "The bias correction is a step late.", "counter read before it grew")
def bias_correction_one_step_late(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["averaged_debiased"](theta, grad, state, h)
    return (moved if state.step == 0 else theta - h.lr * (new.v / state.weight)), new


@defect(
    "averaged_debiased",
    "The bias correction forgets that momentum has changed.",
    "1 - momentum^t with today's momentum",
)
def bias_correction_by_power(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["averaged_debiased"](theta, grad, state, h)
    power = 1
    for _ in range(new.step):
        power = h.momentum * power
    return theta - h.lr * (new.v / (1 - power)), new


@defect("accumulated", "The old velocity is subtracted.", "sign")
def velocity_sign_wrong(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["accumulated"](theta, grad, state._replace(v=-1 * state.v), h)


@defect("accumulated", "Momentum acts squared.", "the velocity is multiplied twice")
def momentum_squared(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["accumulated"](theta, grad, state._replace(v=h.momentum * state.v), h)


@defect("accumulated", "Momentum is off by 32 units of 2^-24.", dtypes=("float64", "float32"))
class momentum_off_by_32_units(RuleRun):
    """A constant typed in decimal."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(momentum=h.momentum * (1 + 32 * 2.0**-24))


@defect("scaled", "The learning rate is off by 32 units of 2^-24.", dtypes=("float64", "float32"))
class lr_off_by_32_units(RuleRun):
    """A constant typed in decimal."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=h.lr * (1 + 32 * 2.0**-24))


def _with_gradient(change: Any) -> Any:
    """The accumulated rule on a gradient that was tampered with."""

    def rule(theta: X, grad: X, state: X, h: Hyper) -> Moved:
        return RULE["accumulated"](theta, grad.map(change), state, h)

    return rule


gradient_clipped = _with_gradient(lambda g: np.clip(g, -1, 1))
gradient_normalised = _with_gradient(lambda g: g / max(1.0, float(np.sqrt(np.sum(g * g)))))
gradient_mean_removed = _with_gradient(lambda g: g - np.mean(g) if g.size > 1 else g)
for _rule, _name, _statement, _cause in (
    (gradient_clipped, "gradient_clipped", "Gradients are clipped to 1.", "clip_value_ left on"),
    (
        gradient_normalised,
        "gradient_normalised",
        "Gradients of norm above 1 are shortened.",
        "clip_norm left on",
    ),
    (
        gradient_mean_removed,
        "gradient_mean_removed",
        "Gradients lose their mean.",
        "centralisation that nobody asked for",
    ),
):
    _rule.__name__ = _name
    defect("accumulated", _statement, _cause)(_rule)


@defect("accumulated", "The velocity is clipped to 2.", "a guard against explosion")
def velocity_clipped(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["accumulated"](theta, grad, state, h)
    v = new.v.map(lambda x: np.clip(x, -2, 2))
    d = decayed(theta, grad, h)
    return theta - h.lr * (d + h.momentum * v if h.nesterov else v), after(state, v)


@defect("quasi_hyperbolic", "nu weighs the gradient, not the velocity.", "terms swapped")
def nu_swapped(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["quasi_hyperbolic"](theta, grad, state, h._replace(nu=1 - h.nu))


@defect("quasi_hyperbolic", "nu has no effect.", "the argument is not read")
def nu_ignored(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["quasi_hyperbolic"](theta, grad, state, h._replace(nu=1))


class _Two(NamedTuple):
    """The last two iterates."""

    step: int
    v: Any
    older: Any


@defect("two_point", "The difference spans two steps.", "the history is read at the wrong place")
def two_point_previous_too_old(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    older = state.older if isinstance(state, _Two) else theta
    moved, new = RULE["two_point"](theta, grad, state._replace(v=older), h)
    return moved, _Two(new.step, theta, state.v if state.step else theta)


@defect("two_point", "The first step is kicked by the start.", "the history starts with zeros")
def two_point_starts_at_zero(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["two_point"](theta, grad, state._replace(step=state.step + 1), h)


@defect("accumulated", "The parameter shrinks by momentum.", "x = momentum x - lr d")
def iterate_not_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    return (h.momentum * theta if h.momentum else theta) - h.lr * d, after(state, d)


@defect("accumulated", "Momentum weighs the new gradient too.", "v = momentum (v + d)")
def velocity_without_gradient(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = d if state.step == 0 else h.momentum * (state.v + (1 - h.dampening) * d)
    return theta - h.lr * (d + h.momentum * v if h.nesterov else v), after(state, v)
