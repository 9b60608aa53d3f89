"""Wrong signs: maximize that is missing on one path, or turns more than the gradient."""

from typing import Any

from momentum.conventions import Hyper
from momentum.gallery.wrong._defect import (
    RULE,
    Moved,
    RuleRun,
    decayed,
    defect,
    reported,
    undecayed,
)

X = Any


@reported("PaddlePaddle/Paddle#79341")
@defect("accumulated", "maximize has no effect.", "the argument is not read")
class maximize_ignored(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(maximize=False)


@reported("PaddlePaddle/Paddle#79341")
@defect("accumulated", "With Nesterov maximize has no effect.", "missing on one path")
class maximize_ignored_with_nesterov(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(maximize=h.maximize and not h.nesterov)


@defect("accumulated", "With weight decay maximize has no effect.", "missing on one path")
class maximize_ignored_with_decay(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(maximize=h.maximize and not h.weight_decay)


@reported("pytorch/pytorch#68579 pytorch/pytorch#68164 pytorch/pytorch#75330")
@defect(
    "accumulated",
    "maximize turns the decay round too.",
    "-(g + decay x), as with a negative lr",
    whole=True,
)
def maximize_negates_decay(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    return RULE["accumulated"](theta, -d if h.maximize else d, state, undecayed(h))


@defect("accumulated", "Only the first step maximizes.", "the flag is used up", whole=True)
def maximize_at_first_step_only(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    up = h.maximize and state.step == 0
    return RULE["accumulated"](theta, -grad if up else grad, state, h)


@defect("accumulated", "maximize turns the velocity round at every step.", whole=True)
def maximize_reverses_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """The sign is turned in place, after the velocity was updated."""
    if not h.maximize:
        return RULE["accumulated"](theta, grad, state, h)
    turned = state._replace(v=-1 * state.v)
    return RULE["accumulated"](theta, -grad, turned, h)


@defect("accumulated", "Only the first group maximizes.", "the flag is read from groups[0]")
class maximize_of_first_group_only(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(maximize=h.maximize and self.groups[i] == 0)


@defect("accumulated", "With a closure maximize has no effect.", "missing on one path")
class maximize_not_in_closure(RuleRun):
    within = False

    def step_by(self, closure: Any) -> Any:
        self.within = True
        try:
            return super().step_by(closure)
        finally:
            self.within = False

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(maximize=h.maximize and not self.within)
