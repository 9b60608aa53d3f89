"""A run that is wrong is so with every rule: its cause is told of all conventions."""

import pytest

from momentum.conventions import Hyper, get
from momentum.diagnosis.simulated import simulated
from momentum.gallery import Machine
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
    told = [s.words for s in simulated(convention, problem) if s.hypothesis.holds(subject, seen)]
    assert told == ["parameters of one shape share their velocity"]
