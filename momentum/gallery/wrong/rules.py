"""Wrong rules: the velocity and what the parameter makes of it."""

import numpy as np

from momentum.conventions import Hyper, Moved, State
from momentum.gallery.wrong import _terms as terms
from momentum.gallery.wrong._defect import defect, wrong_rule
from momentum.gallery.wrong._families import places, standing, told
from momentum.gallery.wrong._terms import ACCUMULATED, RULE, X, decayed

WIDE = ("float64", "float32")
UNITS = 1 + 32 * 2.0**-24

# fmt: off
wrong_rule("momentum_on_gradient", "Momentum multiplies the gradient.", "v += momentum d",
           terms.velocity(lambda d, s, h: s.v + h.momentum * d, first=True), "ooples/AiDotNet#2008")
wrong_rule("step_with_old_velocity", "The parameter moves one step late.",
           "it takes the old velocity",
           terms.update(lambda d, new, old, h: h.lr * old.v, "zero_started"), "mdenil/dropout#4",
           convention="zero_started")
wrong_rule("one_minus_momentum_twice", "Updates are too small by 1 - momentum.",
           "the factor is in the velocity and in the step",
           terms.update(lambda d, new, old, h: h.lr * (1 - h.momentum) * new.v, "averaged"),
           "mdenil/dropout#4", convention="averaged")
wrong_rule("velocity_reset_every_step", "Momentum has no effect.",
           "every step allocates the velocity anew",
           terms.left(lambda old, new, h: new._replace(v=0 * new.v)),
           "kozistr/pytorch_optimizer#516")
told("decay_used_as_momentum", "Weight decay is taken for momentum, and there is no decay.",
     "arguments passed by position in another order",
     lambda run, i, h: h._replace(momentum=h.weight_decay, weight_decay=0.0), "YudeWang/SEAM#21")
standing("only_leading_rows_updated", "Only as many elements move as the parameter has rows.",
         "size of the first dimension in place of the number of elements",
         lambda run, x: places(x) >= x.shape[0] if x.ndim else False, "hpcaitech/ColossalAI#633")
wrong_rule("lr_inside", "The velocity holds the learning rate.", "another convention's rule",
           terms.velocity(
               lambda d, s, h: h.momentum * s.v + h.lr * (1 - h.dampening if s.step else 1) * d,
               first=True, by=terms.moved_scaled))
wrong_rule("lr_outside", "The velocity does not hold the learning rate.",
           "another convention's rule", RULE["zero_started"], convention="scaled")
wrong_rule("lr_applied_twice", "The learning rate is applied twice.",
           "in the velocity and in the step",
           terms.update(lambda d, new, old, h: h.lr * new.v, "scaled"), convention="scaled")
wrong_rule("sum_taken_as_average", "The velocity is an average, not a sum.",
           "factor 1 - momentum on d", RULE["averaged"])
wrong_rule("average_taken_as_sum", "The velocity is a sum, not an average.",
           "no factor 1 - momentum on d", RULE["zero_started"], convention="averaged")
wrong_rule("bias_correction_missing", "Early steps are too small.",
           "no division by the weights' sum",
           terms.update(lambda d, new, old, h: h.lr * new.v, "averaged_debiased"),
           convention="averaged_debiased")
wrong_rule("bias_correction_one_step_late", "The bias correction is a step late.",
           "counter read before it grew",
           terms.update(lambda d, new, old, h: h.lr * (new.v / (old if old.step else new).weight),
                        "averaged_debiased"),
           convention="averaged_debiased")
wrong_rule("bias_correction_by_power", "The bias correction forgets that momentum has changed.",
           "1 - momentum^t with today's momentum", terms.debiased_by_power,
           convention="averaged_debiased")
wrong_rule("velocity_sign_wrong", "The old velocity is subtracted.", "sign",
           terms.found(lambda s, h: s._replace(v=-1 * s.v)))
wrong_rule("momentum_squared", "Momentum acts squared.", "the velocity is multiplied twice",
           terms.found(lambda s, h: s._replace(v=h.momentum * s.v)))
told("momentum_off_by_32_units", "Momentum is off by 32 units of 2^-24.",
     "a constant typed in decimal",
     lambda run, i, h: h._replace(momentum=h.momentum * UNITS), dtypes=WIDE)
told("lr_off_by_32_units", "The learning rate is off by 32 units of 2^-24.",
     "a constant typed in decimal",
     lambda run, i, h: h._replace(lr=h.lr * UNITS), convention="scaled", dtypes=WIDE)
wrong_rule("gradient_clipped", "Gradients are clipped to 1.", "clip_value_ left on",
           terms.fed(lambda g: g.map(lambda x: np.clip(x, -1, 1))))
wrong_rule("gradient_normalised", "Gradients of norm above 1 are shortened.", "clip_norm left on",
           terms.fed(lambda g: g.map(lambda x: x / max(1.0, float(np.sqrt(np.sum(x * x)))))))
wrong_rule("gradient_mean_removed", "Gradients lose their mean.",
           "centralisation that nobody asked for",
           terms.fed(lambda g: g.map(lambda x: x - np.mean(x) if x.size > 1 else x)))
wrong_rule("nu_swapped", "nu weighs the gradient, not the velocity.", "terms swapped",
           terms.hyper(lambda h: h._replace(nu=1 - h.nu), "quasi_hyperbolic"),
           convention="quasi_hyperbolic")
wrong_rule("nu_ignored", "nu has no effect.", "the argument is not read",
           terms.hyper(lambda h: h._replace(nu=1), "quasi_hyperbolic"),
           convention="quasi_hyperbolic")
wrong_rule("two_point_starts_at_zero", "The first step is kicked by the start.",
           "the history starts with zeros",
           terms.found(lambda s, h: s._replace(step=s.step + 1), "two_point"),
           convention="two_point")
wrong_rule("two_point_previous_too_old", "The difference spans two steps.",
           "the history is read at the wrong place",
           terms.recalled(
               lambda x, s, h: s.v if s.step else x,
               lambda older, x, g, s, h: RULE["two_point"](x, g, s._replace(v=older), h)),
           convention="two_point")
wrong_rule("velocity_unused_without_nesterov", "Without Nesterov the velocity is not used.",
           "u = d",
           terms.landed(lambda end, x, g, s, h: end if h.nesterov else x - h.lr * decayed(x, g, h)),
           "KellerJordan/Muon#4")
wrong_rule("velocity_without_gradient", "Momentum weighs the new gradient too.",
           "v = momentum (v + d)",
           terms.velocity(lambda d, s, h: h.momentum * (s.v + (1 - h.dampening) * d)))
# fmt: on


@defect("accumulated", "The velocity is clipped to 2.", "a guard against explosion")
def velocity_clipped(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    v = ACCUMULATED(theta, grad, state, h)[1].v.map(lambda x: np.clip(x, -2, 2))
    return terms.moved(theta, decayed(theta, grad, h), state, h, v)


@defect("accumulated", "The parameter shrinks by momentum.", "x = momentum x - lr d")
def iterate_not_velocity(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    return (h.momentum * theta if h.momentum else theta) - h.lr * d, terms.after(state, d)
