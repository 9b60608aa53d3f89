"""Wrong weight decay: of another kind, size or operand, or in other places."""

from typing import Any, NamedTuple

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, Moved, State
from momentum.gallery.machine.machine import Gradients, MachineRun
from momentum.gallery.wrong import _terms as terms
from momentum.gallery.wrong._defect import Family, defect, reported, wrong_rule
from momentum.gallery.wrong._families import told
from momentum.gallery.wrong._terms import ACCUMULATED, X, decayed, plain, signed, undecayed
from momentum.subjects.protocol import Array

BEFORE = "accumulated:before"
COUPLED = (
    "flagos-ai/FlagGems#4988 bitsandbytes-foundation/bitsandbytes#2010 "
    "bitsandbytes-foundation/bitsandbytes#2040"
)


class _Repeated(MachineRun):
    """Parameters are decayed beside the step some times more."""

    def more(self) -> int:
        raise NotImplementedError

    def decay(self, i: int, times: int) -> None:
        h, round = self.hyper(i), format_of(self.dtypes[i]).round
        for _ in range(times):
            self.theta[i][...] = round(self.theta[i] * (1 - h.lr * h.weight_decay))

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        self.decay(i, self.more())
        super().update(i, grad, h)


class _Scaled(MachineRun):
    """The decay feels the loss scale."""

    power: int
    scale = 1.0

    def scaled_step(self, gradients: Gradients, scale: float) -> bool:
        self.scale = scale
        return super().scaled_step(gradients, scale)

    def hyper(self, i: int) -> Hyper:
        h = super().hyper(i)
        return h._replace(weight_decay=h.weight_decay * self.scale**self.power)


repeated = Family("more", run=_Repeated)
scaled = Family("power", run=_Scaled)

# fmt: off
wrong_rule("decay_ignored", "There is no decay.", "the fast path drops the default",
           terms.hyper(undecayed), "PaddlePaddle/Paddle#38344")
repeated("decay_once_per_dtype", "Parameters are decayed once for each type among them.",
         "the loop over types multiplies the full list", lambda run: len(set(run.dtypes)) - 1,
         "huggingface/pytorch-image-models#2750", convention=BEFORE)
repeated("decay_once_per_group", "Parameters are decayed once for each group.",
         "the loop over groups multiplies the full list", lambda run: len(run.hypers) - 1,
         "huggingface/pytorch-image-models#2750", convention=BEFORE)
wrong_rule("decay_before_step", "The update is not decayed.", "the decay comes before the step",
           terms.placed(lambda x, h: (1 - h.lr * h.weight_decay) * x),
           convention="accumulated:after", whole=True)
wrong_rule("decay_coupled_by_mistake", "The decay goes into the velocity.",
           "coupled, not decoupled",
           lambda x, g, s, h: ACCUMULATED(x, signed(g, h), s, h), COUPLED,
           convention=BEFORE, whole=True)
wrong_rule("decay_decoupled_by_mistake", "The decay is decoupled.",
           "x *= 1 - lr decay in an L2 rule",
           lambda x, g, s, h: ACCUMULATED((1 - h.lr * h.weight_decay) * x, g, s, undecayed(h)),
           COUPLED)
wrong_rule("decay_is_constant", "The decay is the same for all values.", "x -= lr decay",
           terms.placed(lambda x, h: x - h.lr * h.weight_decay),
           "jettify/pytorch-optimizer#454 jettify/pytorch-optimizer#433 "
           "jettify/pytorch-optimizer#455", convention=BEFORE, whole=True)
told("decay_of_first_group_only", "Only the first group is decayed.",
     "a group's None is not the default",
     lambda run, i, h: h if run.groups[i] == 0 else undecayed(h))
scaled("decay_divided_by_loss_scale", "The decay is divided by the scale.",
       "added to scaled gradients", -1, "chainer/chainer#7335 chainer/chainer#7597")
scaled("decay_times_loss_scale", "The decay is multiplied by the scale.",
       "though already unscaled", 1, "chainer/chainer#7335 chainer/chainer#7597")
wrong_rule("decay_multiplies_gradient", "The decay multiplies the gradient.", "g *= 1 + decay x",
           terms.gradient(lambda x, g, s, h: g + h.weight_decay * (x * g)), "apache/mxnet#8925")
wrong_rule("decay_sign_wrong", "Parameters grow by their decay.", "sign",
           terms.hyper(lambda h: h._replace(weight_decay=-h.weight_decay)))
wrong_rule("decay_without_lr", "The decay is not scaled by lr.", "x *= 1 - decay",
           terms.placed(lambda x, h: (1 - h.weight_decay) * x), convention=BEFORE, whole=True)
wrong_rule("decay_times_lr_twice", "The decay is scaled by lr twice.", "x *= 1 - lr^2 decay",
           terms.placed(lambda x, h: (1 - h.lr * (h.lr * h.weight_decay)) * x),
           convention=BEFORE, whole=True)
wrong_rule("decay_doubled", "The decay is doubled.", "gradient of decay x^2, not of its half",
           terms.hyper(lambda h: h._replace(weight_decay=2 * h.weight_decay)))
wrong_rule("decay_is_absolute", "The decay is that of the absolute value.", "decay sign(x)",
           terms.gradient(lambda x, g, s, h: decayed(x.map(np.sign), g, h)))
told("decay_skips_one_dimensional", "Vectors and scalars are not decayed.",
     "biases left out by their shape",
     lambda run, i, h: h if run.theta[i].ndim > 1 else undecayed(h))
wrong_rule("decay_of_velocity", "The velocity is decayed, the parameter is not.", "wrong operand",
           terms.gradient(lambda x, g, s, h: g + h.weight_decay * s.v))
# fmt: on


@reported("nntrainer/nntrainer#1844")
@defect("accumulated", "The decay bypasses the velocity.", "x -= lr (v(g) + decay x)")
def decay_bypasses_velocity(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    moved, new = ACCUMULATED(theta, grad, state, undecayed(h))
    return moved - h.lr * h.weight_decay * theta, new


@reported(COUPLED)
@defect(BEFORE, "The update is decayed too.", "the decay comes after the step", whole=True)
def decay_after_step(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    moved, new = plain(theta, grad, state, h)
    return (1 - h.lr * h.weight_decay) * moved, new


@reported("keras-team/keras#19990 keras-team/keras#19998")
@defect(BEFORE, "A parameter without gradient is decayed.")
class decay_without_gradient(_Repeated):
    """The decay runs ahead of the check, as in steps that only gather gradients."""

    def more(self) -> int:
        return 0

    def absent(self, i: int) -> None:
        self.decay(i, 1)


class _First(NamedTuple):
    step: int
    v: Any
    lr: Any


@defect(BEFORE, "The decay does not follow lr.", "1 - lr_0 decay, as printed for AdamW", whole=True)
def decay_with_initial_lr(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    lr = state.lr if isinstance(state, _First) else h.lr
    moved, new = plain((1 - lr * h.weight_decay) * theta, grad, state, h)
    return moved, _First(new.step, new.v, lr)


class _Last(NamedTuple):
    step: int
    v: Any
    theta: Any


@defect("accumulated", "The decay is a step late.", "taken at the parameter before the last step")
def decay_uses_previous_parameter(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    d = decayed(state.theta if isinstance(state, _Last) else theta, grad, h)
    moved, new = ACCUMULATED(theta, d, state, undecayed(h))
    return moved, _Last(new.step, new.v, theta)


@defect("zero_started", "The decay is not dampened.", "added after the gradient was")
def decay_outside_dampening(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    v = h.momentum * state.v + decayed(theta, (1 - h.dampening) * grad, h)
    return terms.moved(theta, decayed(theta, grad, h), state, h, v)


@defect("scaled", "The decay in the velocity has no lr.", "v = momentum v + lr g + decay x")
def decay_outside_lr(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    d = h.lr * grad + h.weight_decay * theta
    v = h.momentum * state.v + d
    return theta - (d + h.momentum * v if h.nesterov else v), terms.after(state, v)
