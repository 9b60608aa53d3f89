"""What rounding alone leads to is no difference: not of a number, and not of two formulas."""

from dataclasses import replace
from typing import Any

from momentum.conventions import Hyper, Moved, get
from momentum.diagnosis import Explainer
from momentum.diagnosis.estimate import estimate
from momentum.diagnosis.hypothesis import CLEAR, Hypothesis
from momentum.diagnosis.kept import Kept
from momentum.gallery import Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.subjects.drive import observe
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array

ZERO_STARTED = get("zero_started")


class Displaced(MachineRun):
    """The way from the start is kept, in place of the parameter, and rounds as it is large."""

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> Moved:
        state = self.state(i)
        start, way = self.__dict__.setdefault("ways", {}).get(i, (theta.copy(), 0 * theta))
        d = (-grad if h.maximize else grad) + h.weight_decay * theta
        v = h.momentum * state.v + (1 - h.dampening) * d
        way = way - h.lr * (d + h.momentum * v if h.nesterov else v)
        self.__dict__["ways"][i] = start, way
        return start + way, state._replace(step=state.step + 1, v=v)


def test_a_number_is_not_said_to_differ_by_what_rounding_leads_to() -> None:
    """Where it comes back to next to 0, the roundings of a long way are many bounds."""
    subject = Machine("m", ZERO_STARTED, run=Displaced)
    row = (Hyper(0.297, weight_decay=0.375, maximize=True),)
    problem = Problem("float64", ((5,),), (row,) * 3, (0,), "dyadic", seed=19716)
    seen = observe(subject, problem)
    own = Hypothesis.of(ZERO_STARTED)
    (ratio,) = own.ratios(subject, seen)
    assert ratio.max() > CLEAR
    (found,) = estimate(seen, own, "float64", ("momentum",))
    assert 0 < abs(found.deviation) < found.rounding < 2.0**-48
    assert Explainer(subject, ZERO_STARTED).cause(problem) == ""


def test_formulas_that_are_one_on_paper_go_nowhere_else() -> None:
    """Decay in the gradient or before the step, without momentum."""
    kept = Kept(Machine("m", ZERO_STARTED), ZERO_STARTED)
    before = Hypothesis.of(ZERO_STARTED.with_decay("before"))
    told: Any = replace(before, base=ZERO_STARTED)
    for momentum in (0.0, 0.9):
        row = (Hyper(0.3, momentum, weight_decay=0.3),)
        seen = observe(kept.subject, Problem("float64", ((9,),), (row,) * 4, (0,)))
        (moved,) = kept.moved(told, seen)
        assert told.moved(seen)[0].any()
        assert moved.any() == bool(momentum)
