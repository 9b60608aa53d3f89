"""What becomes of hyper-parameters on their way to the step."""

from typing import Any

import numpy as np
import pytest
from machines import ACCUMULATED, ROW, cause, machine

from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper, get
from momentum.diagnosis.hypothesis import Hypothesis
from momentum.diagnosis.rounding import Coarser, coarser
from momentum.diagnosis.suspects import identified
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._families import told
from momentum.subjects.drive import observe
from momentum.subjects.problems import Problem


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (".6f", "lr, momentum, dampening and weight_decay are rounded to 6 decimals"),
        (".4g", "lr, momentum, dampening and weight_decay are rounded to 4 significant digits"),
    ],
)
def test_numbers_that_went_through_a_text_are_named(form: str, words: str) -> None:
    def read(run: Any, i: int, h: Hyper) -> Hyper:
        given = {n: getattr(h, n) for n in ("lr", "momentum", "dampening", "weight_decay")}
        return h.having(**{n: float(format(float(x), form)) for n, x in given.items()})

    row = (Hyper(2.0**-18 / 3, 1 - 2.0**-12, weight_decay=2.0**-9 / 3),)
    problem = Problem("float64", ((9,),), (row,) * 4, (0,), kind="from_zero")
    assert cause(told.made(read), problem) == f"from step 1 on: {words}"


def test_a_weight_that_is_held_in_few_digits_is_named() -> None:
    """No other dampening in float32 leads there."""

    def weighed(run: Any, i: int, h: Hyper) -> Hyper:
        return h._replace(dampening=1 - float(FORMATS["float32"].round(1 - h.dampening)))

    problem = Problem("float64", ((9,),), ((Hyper(0.1, 0.9, 0.35, 0.15),),) * 4, (0,))
    words = cause(machine(told.made(weighed), dtypes=("float64",)), problem)
    assert words.endswith(": 1 - dampening is held in float32")


def test_what_departs_from_its_own_convention_is_not_said_to_behave_as_its_like() -> None:
    """Without dampening zero_started is accumulated, which is known first."""

    class Late(MachineRun):
        """Everything that is set is heard a step late."""

        def hyper(self, i: int) -> Hyper:
            heard: Hyper = self.aside.get(i, self.hypers[0])
            self.aside[i] = self.hypers[0]
            return heard

    late = machine(Late, hyper=frozenset({"lr", "momentum"}))
    told, *_ = identified(late, "float64", get("zero_started"))
    assert told.words == "a new lr is used one step late; a new momentum is used one step late"
    assert told.hypothesis.base.name == "zero_started"


class Blurred(MachineRun):
    """The kept velocity, and what momentum makes of it, are bfloat16's."""

    def advanced(self, i: int, theta: Any, grad: Any, h: Hyper) -> Any:
        narrow = FORMATS["bfloat16"].round
        kept = narrow(narrow(float(h.momentum)) * narrow(np.asarray(self.state(i).v)))
        v = kept + np.asarray(grad)
        state = self.state(i)._replace(v=v, step=self.state(i).step + 1)
        return FORMATS[self.dtypes[i]].round(theta - h.lr * v), state


def test_momentum_that_is_held_as_coarsely_as_its_velocity_hides_no_rounding() -> None:
    """Such a momentum leans to one side, which rounding does not."""
    subject = machine(Blurred, hyper=frozenset({"lr", "momentum"}))
    found = list(coarser(subject, ACCUMULATED, "float32", []))
    for seed in range(12):  # of five elements after two steps a half may round to very little
        seen = observe(subject, Problem("float32", ((5,),), (ROW,) * 2, (0,), seed=seed))
        held = [s.hypothesis.dtype for s in found if s.hypothesis.holds(subject, seen)]
        assert held == ["bfloat16"]


def test_errors_of_a_coarser_format_are_not_told_of_numbers_beyond_it() -> None:
    """What becomes of these, and that they overflow, is no error of its rounding."""
    subject = machine(hyper=frozenset({"lr", "momentum"}))
    coarse = Coarser(Hypothesis.of(ACCUMULATED), "float32")
    for kind, told_of in (("normal", True), ("wide", True), ("tiny", True), ("huge", False)):
        seen = observe(subject, Problem("float64", ((33,),), (ROW,) * 2, (0,), kind))
        assert coarse.speaks(subject, seen) == told_of
