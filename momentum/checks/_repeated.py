"""A few numbers again and again, in parameters of many shapes: large ones cost no oracle."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from momentum.checks._given import Problem
from momentum.checks._trial import Found, Trial
from momentum.checks.result import Result
from momentum.oracle.replay import Trajectory
from momentum.subjects.drive import steps
from momentum.subjects.judge import Measured
from momentum.subjects.protocol import Array, Gradient, SubjectError

Shapes = Sequence[tuple[int, ...]]

SEARCHED = 2**18
"""Elements among which causes are searched."""

FEW = 8
"""Parameters in a run: a law about sizes says nothing of long lists."""


def repeated(trial: Trial, shapes: Shapes) -> Found:
    """The numbers of a problem's one parameter, all over parameters of these shapes."""
    problem, start = trial.problem, trial.problem.start[0]
    fed = [problem.gradients(t, problem.start)[0] for t in range(problem.steps)]
    truth = trial.replay(start, fed, [row[0] for row in problem.hypers])
    for k in range(0, len(shapes), FEW):
        few = list(shapes[k : k + FEW])
        large = trial.on(shapes=tuple(few), groups=(0,) * len(few))
        run = large.begin([np.resize(start, shape) for shape in few])

        def resized(t: int, here: Sequence[Array], few: Shapes = few) -> list[Gradient]:
            grad = fed[t]
            return [None if grad is None else np.resize(grad, shape) for shape in few]

        for t, (_, here) in enumerate(steps(run, problem.hypers, resized)):
            for x, shape in zip(here, few):
                if x.shape != shape:
                    raise SubjectError(f"a parameter of shape {shape} has become {x.shape}")
                yield _worst_copy(x, truth, t)


IN_SHAPE = re.compile(r"a copy of coordinate \d+ in shape \(([\d, ]+)\)")


def run_of(result: Result) -> Problem | None:
    """The run of a failed result as a problem: one parameter of the shape that went wrong.

    None where it is larger than those in which a cause is soon found.
    """
    found = IN_SHAPE.search(result.where)
    shape = tuple(int(n) for n in found[1].split(",") if n.strip()) if found else ()
    if not found or math.prod(shape) > SEARCHED:
        return None
    return replace(Problem.from_text(result.problem), shapes=(shape,))


def _worst_copy(x: Array, truth: Trajectory, t: int) -> Measured:
    """The element that is furthest from the number that it repeats."""
    found = []
    # The distance from one number is largest at the least or at the greatest copy.
    for copies in _extremes(np.ravel(x), truth.values[t]):
        deviation = truth.deviation(np.broadcast_to(copies, truth.values.shape))
        k = int(np.argmax(deviation.ratio[t]))
        where = f"step {t + 1}, a copy of coordinate {k} in shape {x.shape}"
        error, bound = float(deviation.error[t, k]), float(deviation.bound[t, k])
        found.append(Measured(error, bound, where, t + 1, "trajectory"))
    return max(found, key=lambda measured: measured.ratio)


def _extremes(values: Array, truth: Array) -> tuple[Array, Array]:
    """The least and the greatest copy of each coordinate; the truth where there is no copy."""
    rest = -values.size % truth.size
    found = []
    for filler, extreme in ((np.inf, np.min), (-np.inf, np.max)):
        rows = np.concatenate([values, np.full(rest, filler)]).reshape(-1, truth.size)
        there = np.arange(truth.size) < values.size
        found.append(np.where(there, extreme(rows, axis=0), truth))
    return found[0], found[1]
