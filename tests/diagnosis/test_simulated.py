"""A run that is wrong is so with every rule: its cause is told of all conventions."""

from dataclasses import replace
from typing import Any

import pytest

from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.diagnosis.departures import UNDECAYED
from momentum.diagnosis.hypothesis import CLEAR, Hypothesis, Suspect
from momentum.diagnosis.simulated import Simulated, simulated
from momentum.diagnosis.suspects import in_words
from momentum.gallery import GALLERY, Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong.state import keyed
from momentum.subjects.drive import observe
from momentum.subjects.problems import Problem

ROW = (Hyper(0.3, 0.8),)
BY_SHAPE = keyed.made(lambda run, i: [x.shape for x in run.theta].index(run.theta[i].shape))


@pytest.mark.parametrize("name", ["zero_started", "scaled:before", "zero_started:nesterov"])
def test_a_velocity_that_is_shared_is_named_in_every_convention(name: str) -> None:
    convention = get(name)
    subject = Machine("m", convention, run=BY_SHAPE)
    problem = Problem("float32", ((5,), (2, 3), (5,)), (ROW,) * 3, (0, 0, 0))
    seen = observe(subject, problem)
    told = [s.words for s in simulated(convention, seen) if s.hypothesis.holds(subject, seen)]
    assert told == ["parameters of one shape share their velocity"]


def test_what_is_wrong_in_copies_alone_is_no_cause_where_nothing_is_copied() -> None:
    convention = get("zero_started")
    row = (Hyper(0.3, 0.8, weight_decay=0.2, nesterov=True),)
    subject = Machine("m", convention, run=BY_SHAPE)
    seen = observe(subject, Problem("float32", ((5,), (2, 3), (5,)), (row,) * 6, (0, 0, 0)))
    told = {s.words for s in simulated(convention, seen)}
    assert told
    copies = ("pickle_forgets_nesterov", "pickle_drops_velocity", "load_drops_velocity")
    assert told.isdisjoint(in_words(GALLERY[name]) for name in copies)


class LittleOff(MachineRun):
    """Gradients are too large, by little more than rounding."""

    def step(self, gradients: Any) -> None:
        super().step([g * (1 + 2.0**-22) for g in gradients])


UNDECAYED_HERE = UNDECAYED["weight_decay is accepted and ignored"]
TWIN: Any = GALLERY["pickle_forgets_nesterov"].build()


@pytest.mark.parametrize(
    "known",
    [
        Simulated(TWIN),
        replace(UNDECAYED_HERE(Hypothesis.of(get("accumulated"))), slack=4),
    ],
)
def test_a_known_cause_that_goes_nowhere_else_explains_no_small_error(known: Any) -> None:
    """Its own doubt is larger than the convention's, so that it agrees with the run."""
    convention = get("accumulated")
    subject = Machine("m", convention, run=LittleOff)
    problem = Problem("float32", ((9,),), (ROW,) * 2, (0,), "from_zero")
    seen = observe(subject, problem)
    (ratio,) = Hypothesis.of(convention).ratios(subject, seen)
    assert 1 < ratio.max() < CLEAR
    assert known.holds(subject, seen)
    explainer = Explainer(subject, convention, lambda convention: ())
    explainer.found = [Suspect("known", known)]
    assert explainer.cause(problem) == ""
