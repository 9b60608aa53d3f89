"""What holds on one side of a number only is named with that number, and what is heard once so."""

from dataclasses import replace
from typing import Any

import pytest

from momentum.conventions import Hyper, Moved, State, get
from momentum.diagnosis import Explainer
from momentum.diagnosis.departures import CHANGES
from momentum.diagnosis.estimate import measure
from momentum.diagnosis.hypothesis import Hypothesis
from momentum.gallery import GALLERY, Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

ACCUMULATED = get("accumulated")


class Slow(MachineRun):
    """No momentum at rates of 0.05 and more."""

    def hyper(self, i: int) -> Hyper:
        h = super().hyper(i)
        return h._replace(momentum=0.0, dampening=0.0, nesterov=False) if h.lr >= 0.05 else h


def undampened(theta: Any, grad: Any, state: State, h: Hyper) -> Moved:
    """The decay goes into the velocity whole."""
    decay = h.weight_decay * theta
    fed = (1 - h.dampening) * grad if state.step else grad
    v = h.momentum * state.v + fed + decay
    moved = grad + decay + h.momentum * v if h.nesterov else v
    return theta - h.lr * moved, State(state.step + 1, v)


ROW = (Hyper(0.1, 0.9),)
DAMPENED = (Hyper(0.1, 0.9, 0.35, 0.15),)
RATES = tuple((Hyper(lr, 0.9),) for lr in (0.1, 0.1, 0.3, 0.3, 0.05, 0.05))


@pytest.mark.parametrize(
    ("subject", "rows", "words"),
    [
        (
            Machine(name="m", convention=ACCUMULATED, run=Slow),
            (ROW,) * 4,
            "momentum has no effect where lr is 0.05 or more",
        ),
        (
            Machine("m", ACCUMULATED, rule=replace(ACCUMULATED, rule=undampened).step),
            (DAMPENED,) * 4,
            "the decay is not dampened",
        ),
        (
            GALLERY["set_once_only"].build(),
            RATES,
            "only the first change of hyper-parameters is heard",
        ),
        (
            GALLERY["set_clears_velocity"].build(),
            RATES,
            "the velocity is lost whenever any hyper-parameter changes",
        ),
    ],
)
def test_cause_tells_when_something_has_an_effect(
    subject: Subject, rows: tuple[tuple[Hyper, ...], ...], words: str
) -> None:
    found = Explainer(subject, ACCUMULATED).cause(Problem("float32", ((7,),), rows, (0,)))
    assert found.partition(": ")[2] == words


def test_a_flag_that_is_stuck_is_not_said_to_be_all_flags() -> None:
    class Stuck(MachineRun):
        def setup(self) -> None:
            self.begun = list(self.hypers)

        def hyper(self, i: int) -> Hyper:
            return super().hyper(i)._replace(nesterov=self.begun[self.groups[i]].nesterov)

    rows = tuple((Hyper(0.1, 0.9, nesterov=on),) for on in (False, False, True, True, False))
    subject = Machine(name="m", convention=ACCUMULATED, run=Stuck)
    found = Explainer(subject, ACCUMULATED).cause(Problem("float32", ((7,),), rows, (0,)))
    assert found.partition(": ")[2] == "nesterov stays what it was at the start"


def test_numbers_are_not_estimated_by_a_rule_alone_that_is_told_others() -> None:
    """What is estimated would be how they differ, and not what they are."""
    own, subject = Hypothesis.of(ACCUMULATED), Machine(name="m", convention=ACCUMULATED)
    late = CHANGES["lr"]["a new lr is used one step late"](own)
    assert measure(subject, own, "float32")
    assert not measure(subject, late, "float32")
