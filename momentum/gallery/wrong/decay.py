"""Wrong weight decay and wrong signs."""

from typing import Any, NamedTuple

import numpy as np

from momentum.arithmetic import format_of
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
    signed,
    undecayed,
)
from momentum.subjects.protocol import Array

X = Any
BEFORE = "accumulated:before"


def _plain(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """A step without any decay."""
    return RULE["accumulated"](theta, signed(grad, h), state, undecayed(h))


@reported("PaddlePaddle/Paddle#38344")
@defect("accumulated", "There is no decay.", "the fast path drops the default")
def decay_ignored(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["accumulated"](theta, grad, state, undecayed(h))


@reported("huggingface/pytorch-image-models#2750")
@defect(BEFORE, "Parameters are decayed once for each type among them.")
class decay_once_per_dtype(RuleRun):
    """The loop over types multiplies the full list."""

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        round = format_of(self.dtypes[i]).round
        for _ in range(len(set(self.dtypes)) - 1):
            self.theta[i][...] = round(self.theta[i] * (1 - h.lr * h.weight_decay))
        super().update(i, grad, h)

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h


@reported("huggingface/pytorch-image-models#2750")
@defect(BEFORE, "Parameters are decayed once for each group.")
class decay_once_per_group(MachineRun):
    """The loop over groups multiplies the full list."""

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        round = format_of(self.dtypes[i]).round
        for _ in range(len(self.hypers) - 1):
            self.theta[i][...] = round(self.theta[i] * (1 - h.lr * h.weight_decay))
        super().update(i, grad, h)


@reported("nntrainer/nntrainer#1844")
@defect("accumulated", "The decay bypasses the velocity.", "x -= lr (v(g) + decay x)")
def decay_bypasses_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["accumulated"](theta, grad, state, undecayed(h))
    return moved - h.lr * h.weight_decay * theta, new


@reported(
    "flagos-ai/FlagGems#4988 bitsandbytes-foundation/bitsandbytes#2010 "
    "bitsandbytes-foundation/bitsandbytes#2040"
)
@defect(BEFORE, "The update is decayed too.", "the decay comes after the step", whole=True)
def decay_after_step(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = _plain(theta, grad, state, h)
    return (1 - h.lr * h.weight_decay) * moved, new


@defect("accumulated:after", "The update is not decayed.", whole=True)
def decay_before_step(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """The decay comes before the step."""
    return _plain((1 - h.lr * h.weight_decay) * theta, grad, state, h)


@reported(
    "flagos-ai/FlagGems#4988 bitsandbytes-foundation/bitsandbytes#2010 "
    "bitsandbytes-foundation/bitsandbytes#2040"
)
@defect(BEFORE, "The decay goes into the velocity.", "coupled, not decoupled", whole=True)
def decay_coupled_by_mistake(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["accumulated"](theta, signed(grad, h), state, h)


@reported(
    "flagos-ai/FlagGems#4988 bitsandbytes-foundation/bitsandbytes#2010 "
    "bitsandbytes-foundation/bitsandbytes#2040"
)
@defect("accumulated", "The decay is decoupled.", "x *= 1 - lr decay in an L2 rule")
def decay_decoupled_by_mistake(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    kept = (1 - h.lr * h.weight_decay) * theta
    return RULE["accumulated"](kept, grad, state, undecayed(h))


@reported(
    "jettify/pytorch-optimizer#454 jettify/pytorch-optimizer#433 jettify/pytorch-optimizer#455"
)
@defect(BEFORE, "The decay is the same for all values.", "x -= lr decay", whole=True)
def decay_is_constant(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return _plain(theta - h.lr * h.weight_decay, grad, state, h)


@defect("accumulated", "Only the first group is decayed.", "a group's None is not the default")
class decay_of_first_group_only(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h if self.groups[i] == 0 else undecayed(h)


@reported("keras-team/keras#19990 keras-team/keras#19998")
@defect(BEFORE, "A parameter without gradient is decayed.")
class decay_without_gradient(MachineRun):
    """The decay runs ahead of the check, as in steps that only gather gradients."""

    def absent(self, i: int) -> None:
        h = self.hyper(i)
        round = format_of(self.dtypes[i]).round
        self.theta[i][...] = round(self.theta[i] * (1 - h.lr * h.weight_decay))


class _Scaled(RuleRun):
    """The decay feels the loss scale."""

    power: int
    scale = 1.0

    def scaled_step(self, gradients: Any, scale: float) -> bool:
        self.scale = scale
        return super().scaled_step(gradients, scale)

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(weight_decay=h.weight_decay * self.scale**self.power)


@reported("chainer/chainer#7335 chainer/chainer#7597")
@defect("accumulated", "The decay is divided by the scale.", "added to scaled gradients")
class decay_divided_by_loss_scale(_Scaled):
    power = -1


@reported("chainer/chainer#7335 chainer/chainer#7597")
@defect("accumulated", "The decay is multiplied by the scale.", "though already unscaled")
class decay_times_loss_scale(_Scaled):
    power = 1


@reported("apache/mxnet#8925")
@defect("accumulated", "The decay multiplies the gradient.")
def decay_multiplies_gradient(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """G *= 1 + decay x."""
    d = grad + h.weight_decay * (theta * grad)
    return RULE["accumulated"](theta, d, state, undecayed(h))


@defect("accumulated", "Parameters grow by their decay.", "sign")
def decay_sign_wrong(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["accumulated"](theta, grad, state, h._replace(weight_decay=-h.weight_decay))


@defect(BEFORE, "The decay is not scaled by lr.", "x *= 1 - decay", whole=True)
def decay_without_lr(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return _plain((1 - h.weight_decay) * theta, grad, state, h)


@defect(BEFORE, "The decay is scaled by lr twice.", "x *= 1 - lr^2 decay", whole=True)
def decay_times_lr_twice(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return _plain((1 - h.lr * (h.lr * h.weight_decay)) * theta, grad, state, h)


class _First(NamedTuple):
    step: int
    v: Any
    lr: Any


@defect(BEFORE, "The decay does not follow lr.", "1 - lr_0 decay, as printed for AdamW", whole=True)
def decay_with_initial_lr(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    lr = state.lr if isinstance(state, _First) else h.lr
    moved, new = _plain((1 - lr * h.weight_decay) * theta, grad, state, h)
    return moved, _First(new.step, new.v, lr)


@defect("accumulated", "The decay is doubled.", "gradient of decay x^2, not of its half")
def decay_doubled(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["accumulated"](theta, grad, state, h._replace(weight_decay=2 * h.weight_decay))


@defect("accumulated", "The decay is that of the absolute value.", "decay sign(x)")
def decay_is_absolute(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta.map(np.sign), grad, h)
    return RULE["accumulated"](theta, d, state, undecayed(h))


@defect("accumulated", "Vectors and scalars are not decayed.", "biases left out by their shape")
class decay_skips_one_dimensional(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h if self.theta[i].ndim > 1 else undecayed(h)


@defect("accumulated", "The velocity is decayed, the parameter is not.", "wrong operand")
def decay_of_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = grad + h.weight_decay * state.v
    return RULE["accumulated"](theta, d, state, undecayed(h))


class _Last(NamedTuple):
    step: int
    v: Any
    theta: Any


@defect("accumulated", "The decay is a step late.", "taken at the parameter before the last step")
def decay_uses_previous_parameter(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(state.theta if isinstance(state, _Last) else theta, grad, h)
    moved, new = RULE["accumulated"](theta, d, state, undecayed(h))
    return moved, _Last(new.step, new.v, theta)


@defect("zero_started", "The decay is not dampened.", "added after the gradient was")
def decay_outside_dampening(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, (1 - h.dampening) * grad, h)
    v = h.momentum * state.v + d
    look = decayed(theta, grad, h) + h.momentum * v
    return theta - h.lr * (look if h.nesterov else v), after(state, v)


@defect("scaled", "The decay in the velocity has no lr.", "v = momentum v + lr g + decay x")
def decay_outside_lr(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = h.lr * grad + h.weight_decay * theta
    v = h.momentum * state.v + d
    return theta - (d + h.momentum * v if h.nesterov else v), after(state, v)
