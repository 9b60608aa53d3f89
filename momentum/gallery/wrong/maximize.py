"""Wrong signs: maximize that is missing on one path, or turns more than the gradient."""

from collections.abc import Callable

from momentum.conventions import Hyper, Moved, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import defect, wrong_rule
from momentum.gallery.wrong._families import told
from momentum.gallery.wrong._terms import ACCUMULATED, X, decayed, signed, undecayed

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
# fmt: on


@defect("accumulated", "maximize turns the velocity round at every step.", whole=True)
def maximize_reverses_velocity(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    """The sign is turned in place, after the velocity was updated."""
    turned = state._replace(v=-1 * state.v) if h.maximize else state
    return ACCUMULATED(theta, signed(grad, h), turned, h)


@defect("accumulated", "With a closure maximize has no effect.", "missing on one path")
class maximize_not_in_closure(MachineRun):
    within = False

    def step_by(self, closure: Callable[[], float]) -> float | None:
        self.within = True
        try:
            return super().step_by(closure)
        finally:
            self.within = False

    def hyper(self, i: int) -> Hyper:
        h = super().hyper(i)
        return h._replace(maximize=h.maximize and not self.within)
