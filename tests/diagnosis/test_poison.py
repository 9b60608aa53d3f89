"""What is not finite is told from what it does to other elements and parameters."""

from typing import Any

import numpy as np
import pytest

from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.gallery import GALLERY, Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

ACCUMULATED = get("accumulated")


class Spreading(MachineRun):
    """One number that is not finite makes a whole parameter nan."""

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        super().update(i, grad if np.isfinite(grad).all() else grad + np.nan, h)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (
            GALLERY["nan_leaks_to_neighbours"].build(),
            "nan in a parameter spreads over its block of 4 elements",
        ),
        (
            GALLERY["nan_skips_parameter"].build(),
            "inf or nan in a gradient leaves its parameter out of the step",
        ),
        (
            Machine(name="m", convention=ACCUMULATED, run=Spreading),
            "inf or nan in a gradient spreads over its parameter",
        ),
    ],
)
def test_cause_tells_how_far_poison_reaches(subject: Subject, words: str) -> None:
    problem = Problem("float32", ((33,), (3, 7)), ((Hyper(0.3, 0.8),),) * 3, (0, 0), "special", 1)
    assert Explainer(subject, ACCUMULATED).cause(problem).partition(": ")[2] == words
