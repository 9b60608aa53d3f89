"""Where gradients are missing or 0, causes are told from those of other orders and shapes."""

from dataclasses import replace
from typing import cast

import pytest

from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.diagnosis.simulated import Simulated
from momentum.gallery import GALLERY, Machine
from momentum.gallery.machine.number import Working
from momentum.subjects.drive import observe
from momentum.subjects.problems import Problem

DAMPENED = (Hyper(0.3, 0.8, 0.35),)
DECAYED = (Hyper(0.3, 0.8, 0.35, 0.15),)
FIRST = Problem("float32", ((5,), (2, 3)), (DAMPENED,) * 3, (0, 0), missing=frozenset({(0, 0)}))
LATER = Problem(
    "float32", ((5,), (5,), (2, 3)), (DAMPENED,) * 2, (0, 0, 0), missing=frozenset({(1, 0)})
)
ZEROS = Problem("float32", ((27,),), (DECAYED,) * 2, (0,), kind="ternary")


@pytest.mark.parametrize(
    ("name", "problem", "words"),
    [
        ("missing_first_gradient_counts", FIRST, "a missing gradient counts as a first step"),
        (
            "late_unfreezing_ignored",
            FIRST,
            "parameters without a gradient at the first step: left as they were",
        ),
        ("none_stops_the_loop", LATER, "parameters after a missing gradient do not move"),
        (
            "zero_elements_skipped",
            ZEROS,
            "elements whose gradient is 0 are left out of the step, which counts",
        ),
    ],
)
def test_cause_speaks_of_gradients_that_are_missing(
    name: str, problem: Problem, words: str
) -> None:
    found = Explainer(GALLERY[name].build(), get("accumulated")).cause(problem)
    assert found.partition(": ")[2] == words


def test_a_twin_that_computes_in_another_way_is_the_same() -> None:
    """Its numbers are larger than the convention's, and so is what storing them rounds off."""
    off, on = Hyper(0.125, 0.75), Hyper(0.125, 0.75, nesterov=True)
    problem = Problem("float32", ((24,),) * 4, ((on, on, off, off),) * 6, (0, 1, 2, 3), seed=17)
    twin = cast(Machine, GALLERY["nesterov_of_first_like_group"].build())
    other = replace(twin, working=Working(fused=True))
    assert Simulated(twin).holds(other, observe(other, problem))
