"""Wrong signs: maximize that is missing on one path, or turns more than the gradient."""

from momentum.gallery.wrong._defect import wrong_rule
from momentum.gallery.wrong._families import told
from momentum.gallery.wrong._terms import ACCUMULATED, decayed, signed, undecayed

# fmt: off
told("maximize_ignored", "maximize has no effect.", "the argument is not read",
     lambda run, i, h: h._replace(maximize=False), "PaddlePaddle/Paddle#79341")
told("maximize_ignored_with_nesterov", "With Nesterov maximize has no effect.",
     "missing on one path",
     lambda run, i, h: h._replace(maximize=h.maximize and not h.nesterov),
     "PaddlePaddle/Paddle#79341")
told("maximize_ignored_with_decay", "With weight decay maximize has no effect.",
     "missing on one path",
     lambda run, i, h: h._replace(maximize=h.maximize and not h.weight_decay))
told("maximize_of_first_group_only", "Only the first group maximizes.",
     "the flag is read from groups[0]",
     lambda run, i, h: h._replace(maximize=h.maximize and run.groups[i] == 0))
wrong_rule("maximize_negates_decay", "maximize turns the decay round too.",
           "-(g + decay x), as with a negative lr",
           lambda x, g, s, h: ACCUMULATED(x, signed(decayed(x, g, h), h), s, undecayed(h)),
           "pytorch/pytorch#68579 pytorch/pytorch#68164 pytorch/pytorch#75330", whole=True)
wrong_rule("maximize_at_first_step_only", "Only the first step maximizes.", "the flag is used up",
           lambda x, g, s, h: ACCUMULATED(x, g if s.step else signed(g, h), s, h), whole=True)
wrong_rule("maximize_reverses_velocity", "maximize turns the velocity round at every step.",
           "the sign is turned in place, after the velocity was updated",
           lambda x, g, s, h: ACCUMULATED(
               x, signed(g, h), s._replace(v=-1 * s.v) if h.maximize else s, h), whole=True)
told("maximize_not_in_closure", "With a closure maximize has no effect.", "missing on one path",
     lambda run, i, h: h._replace(maximize=h.maximize and run.way != "closure"))
# fmt: on
