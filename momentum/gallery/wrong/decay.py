"""Wrong weight decay: of another kind, size or operand, or in other places."""

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, Moved, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong import _terms as terms
from momentum.gallery.wrong._defect import Method, defect, family, wrong_rule
from momentum.gallery.wrong._families import absent, told
from momentum.gallery.wrong._terms import ACCUMULATED, X, decayed, plain, signed, undecayed
from momentum.subjects.protocol import Array

BEFORE = "accumulated:before"
COUPLED = (
    "flagos-ai/FlagGems#4988 bitsandbytes-foundation/bitsandbytes#2010 "
    "bitsandbytes-foundation/bitsandbytes#2040"
)


def _decay(run: MachineRun, i: int, times: int = 1) -> None:
    """Decay a parameter beside the step, some times."""
    h, round = run.hyper(i), format_of(run.dtypes[i]).round
    for _ in range(times):
        run.theta[i][...] = round(run.theta[i] * (1 - h.lr * h.weight_decay))


@family("update")
def repeated(more: Method, run: MachineRun, update: Method, i: int, grad: Array, h: Hyper) -> None:
    """Parameters are decayed beside the step some times more."""
    _decay(run, i, more(run))
    update(i, grad, h)


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
told("decay_divided_by_loss_scale", "The decay is divided by the scale.",
     "added to scaled gradients",
     lambda run, i, h: h._replace(weight_decay=h.weight_decay / run.scale),
     "chainer/chainer#7335 chainer/chainer#7597")
told("decay_times_loss_scale", "The decay is multiplied by the scale.", "though already unscaled",
     lambda run, i, h: h._replace(weight_decay=h.weight_decay * run.scale),
     "chainer/chainer#7335 chainer/chainer#7597")
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
wrong_rule("decay_bypasses_velocity", "The decay bypasses the velocity.",
           "x -= lr (v(g) + decay x)",
           terms.landed(lambda end, x, g, s, h: end - h.lr * h.weight_decay * x,
                        terms.hyper(undecayed)),
           "nntrainer/nntrainer#1844")
wrong_rule("decay_after_step", "The update is decayed too.", "the decay comes after the step",
           terms.landed(lambda end, x, g, s, h: (1 - h.lr * h.weight_decay) * end, plain),
           COUPLED, convention=BEFORE, whole=True)
absent("decay_without_gradient", "A parameter without gradient is decayed.",
       "the decay runs ahead of the check, as in steps that only gather gradients",
       _decay, "keras-team/keras#19990 keras-team/keras#19998", convention=BEFORE)
wrong_rule("decay_with_initial_lr", "The decay does not follow lr.",
           "1 - lr_0 decay, as printed for AdamW",
           terms.recalled(
               lambda x, s, h: h.lr,
               lambda lr, x, g, s, h: plain((1 - lr * h.weight_decay) * x, g, s, h), first=True),
           convention=BEFORE, whole=True)
wrong_rule("decay_uses_previous_parameter", "The decay is a step late.",
           "taken at the parameter before the last step",
           terms.recalled(
               lambda x, s, h: x,
               lambda old, x, g, s, h: ACCUMULATED(x, decayed(old, g, h), s, undecayed(h))))
# fmt: on


@defect("zero_started", "The decay is not dampened.", "added after the gradient was")
def decay_outside_dampening(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    v = h.momentum * state.v + decayed(theta, (1 - h.dampening) * grad, h)
    return terms.moved(theta, decayed(theta, grad, h), state, h, v)


@defect("scaled", "The decay in the velocity has no lr.", "v = momentum v + lr g + decay x")
def decay_outside_lr(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    d = h.lr * grad + h.weight_decay * theta
    v = h.momentum * state.v + d
    return theta - (d + h.momentum * v if h.nesterov else v), terms.after(state, v)
