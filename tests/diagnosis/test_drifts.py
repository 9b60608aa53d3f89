"""Causes with a schedule or a rounding in them: what a run's own numbers suggest."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from machines import ROW, cause

from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.gallery import GALLERY
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._families import misread, moves, stored, told
from momentum.subjects.problems import Problem


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (lambda m, t: min(m, (t + 2) / (t + 11)), "momentum is at most (t + 2)/(t + 11) at step t"),
        (lambda m, t: m * min(1, 0.25 + t / 8), "momentum is multiplied by 0.125 t + 0.25, or 1"),
        (lambda m, t: m * (1 - 0.5 * 0.75**t), "momentum is multiplied by 1 - 0.5 0.75^t, or 1"),
    ],
)
def test_a_momentum_that_grows_by_itself_is_named(schedule: Any, words: str) -> None:
    growing = told.made(lambda run, i, h: h._replace(momentum=schedule(h.momentum, run.taken)))
    problem = Problem("float32", ((7,),), (ROW,) * 3, (0,))
    assert cause(growing, problem).startswith(f"from step 2 on: {words}")


def test_a_velocity_that_decays_in_place_of_the_parameter_is_named() -> None:
    subject = GALLERY["decay_of_velocity"].build()
    problem = Problem("float32", ((7,),), ((Hyper(0.1, 0.9, weight_decay=0.1),),) * 3, (0,))
    assert cause(subject, problem).endswith("the weight decay takes the velocity for the parameter")


def test_a_coarse_velocity_of_large_parameters_alone_is_named() -> None:
    coarse = stored.made(lambda run, dtype, before, after, v: (
        after, FORMATS["bfloat16"].round(v) if v.size >= 500 else v
    ))  # fmt: skip
    problem = Problem("float32", ((700,),), (ROW,) * 3, (0,))
    assert cause(coarse, problem).endswith(
        "parameters of 500 or more elements: kept velocities are rounded to bfloat16"
    )


def test_results_that_are_cut_off_are_named_and_no_number_is_fitted_to_them() -> None:
    class Cut(MachineRun):
        def advanced(self, i: int, theta: Any, grad: Any, h: Hyper) -> Any:
            wide = replace(self.subject, dtypes=("float64",)).start([theta], [h], "float64")
            wide.states = {} if i not in self.states else {0: self.states[i]}
            moved, state = MachineRun.advanced(wide, 0, wide.theta[0], np.asarray(grad), h)
            digits = 2.0 ** (8 - 1 - np.floor(np.log2(np.abs(moved) + (moved == 0))))
            return np.trunc(moved * digits) / digits, state

    problem = Problem("bfloat16", ((64,),), (ROW,) * 3, (0,))
    words = cause(Cut, problem)
    assert words.endswith("results are cut off towards zero, not rounded to the nearest")


@pytest.mark.parametrize(("layout", "shape"), [("transposed", (3, 5)),
                                               ("channels_last", (2, 3, 2, 4))])  # fmt: skip
def test_gradients_in_the_order_of_their_memory_are_named(layout: str, shape: Any) -> None:
    by_memory = misread.made(lambda run, i, g: np.ravel(g, order="K").reshape(g.shape))
    options = (("layout", layout),)
    problem = Problem("float32", (shape,), (ROW,) * 3, (0,), options=options)
    words = cause(by_memory, problem)
    assert words.endswith("gradients are read in the order of their memory")


def test_groups_after_the_first_few_are_named() -> None:
    few = moves.made(lambda run, i, g, h: run.groups[i] < 6)
    rows = (tuple(Hyper(0.1 + g / 100, 0.9) for g in range(9)),) * 3
    problem = Problem("float32", ((3,),) * 9, rows, tuple(range(9)))
    words = cause(few, problem)
    assert words.endswith("the groups after the first 6: left as they were")


def test_a_velocity_that_rests_at_momentum_0_is_named_without_a_decay_that_is_off() -> None:
    rows = tuple((Hyper(0.3, momentum),) for momentum in (0.8, 0.0, 0.8, 0.8))
    subject = GALLERY["velocity_not_fed_at_zero_momentum"].build()
    problem = Problem("float32", ((7,),), rows, (0,), "from_zero")
    assert (
        Explainer(subject, get("zero_started"))
        .cause(problem)
        .endswith(": a step at momentum 0 leaves the velocity of earlier steps as it is")
    )
