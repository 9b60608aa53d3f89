"""A subject on a problem: what it was fed, where it went, and the oracle's judgement of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import format_of
from momentum.conventions import Convention
from momentum.oracle.block import Tier
from momentum.oracle.deviation import Deviation
from momentum.oracle.replay import replay_steps
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Run, Subject, SubjectError

Array = NDArray[np.float64]


class Measured(NamedTuple):
    """One measurement: an error, the bound that it must not exceed, and where it was taken.

    step counts from 1, 0 where there is no step; how names the comparison. claims: standing still
    would have failed it; where the bound is as wide as the movement it judges, it says nothing.
    """

    error: float
    bound: float
    where: str
    step: int = 0
    how: str = ""
    claims: bool = True

    @property
    def ratio(self) -> float:
        """error / bound: 0 where there is no error, infinite where none was allowed."""
        if self.error == 0 or self.bound == np.inf:
            return 0.0
        if not np.isfinite(self.error) or self.bound == 0:
            return float("inf")
        return self.error / self.bound


@dataclass(frozen=True)
class Observation:
    """fed[t][i]: gradient of parameter i at step t. iterates[t][i]: parameter i after step t."""

    problem: Problem
    fed: tuple[tuple[Array | None, ...], ...]
    iterates: tuple[tuple[Array, ...], ...]


def begin(subject: Subject, problem: Problem) -> Any:
    """A run at the problem's start."""
    return subject.start(
        [x.copy() for x in problem.start],
        list(problem.hypers[0]),
        problem.dtype,
        list(problem.groups),
        dict(problem.options),
    )


def advance(
    run: Any, problem: Problem, first: int, iterates: Sequence[Array], points: bool = False
) -> Iterator[tuple[tuple[Array | None, ...], tuple[Array, ...]]]:
    """Take the steps from `first` on; yields what was fed and where it led, step by step."""
    here = list(iterates)
    for t in range(first, problem.steps):
        if t and problem.hypers[t] != problem.hypers[t - 1]:
            for g, h in enumerate(problem.hypers[t]):
                run.set(h, g)
        fed = tuple(problem.gradients(t, run.point() if points else here))
        run.step([None if g is None else g.copy() for g in fed])
        here = read(run, problem, t + 1)
        yield fed, tuple(here)


def read(run: Run, problem: Problem, step: int) -> list[Array]:
    """The parameters of a run.

    Raises: SubjectError where number, shape or dtype are not what they must be.
    """
    return held(run.parameters(), problem, step)


def held(got: Sequence[Array], problem: Problem, step: int) -> list[Array]:
    """Parameters as they must be.

    Raises: SubjectError where number, shape or dtype are others.
    """
    format = format_of(problem.dtype)
    if len(got) != len(problem.shapes):
        raise SubjectError(
            f"after step {step} there are {len(got)} parameters, wanted {len(problem.shapes)}"
        )
    for i, (x, shape) in enumerate(zip(got, problem.shapes)):
        if x.shape != shape:
            raise SubjectError(
                f"after step {step} parameter {i} has shape {x.shape}, wanted {shape}"
            )
        if not np.array_equal(format.round(x), x, equal_nan=True):
            raise SubjectError(
                f"after step {step} parameter {i} holds numbers that are no {format.name}"
            )
    return [np.asarray(x, dtype=np.float64) for x in got]


def observe(subject: Subject, problem: Problem) -> Observation:
    """Run a subject on a problem."""
    run = begin(subject, problem)
    points = "point" in subject.facts.offers
    if subject.facts.at_once and not problem.closed and not points:
        return _at_once(run, problem)
    steps = list(advance(run, problem, 0, problem.start, points))
    return Observation(problem, tuple(s[0] for s in steps), tuple(s[1] for s in steps))


def _at_once(run: Any, problem: Problem) -> Observation:
    """The same for a run that takes many steps in one message, where nothing depends on them."""
    fed = tuple(tuple(problem.gradients(t, problem.start)) for t in range(problem.steps))
    got = run.steps(fed, problem.hypers)
    iterates = (tuple(held(x, problem, t)) for t, x in enumerate(got, 1))
    return Observation(problem, fed, tuple(iterates))


def judge(
    subject: Subject, observation: Observation, convention: Convention, tier: Tier = "fast"
) -> Iterator[Measured]:
    """The oracle's judgement: the worst of each step, against trajectory and step, per group."""
    problem = observation.problem
    dtype = subject.facts.format_name(problem.dtype)
    for batch in batches(problem):
        start = _joined([problem.start[i] for i in batch])
        fed = [
            None if row[batch[0]] is None else _joined([row[i] for i in batch])
            for row in observation.fed
        ]
        hypers = [row[problem.groups[batch[0]]] for row in problem.hypers]
        truth = replay_steps(convention, start, fed, hypers, dtype=dtype, tier=tier)
        compared = truth.compare([_joined([row[i] for i in batch]) for row in observation.iterates])
        whole = truth.values - start
        last = np.diff(truth.values, axis=0, prepend=start[None])
        yield from _worst_of_steps(problem, batch, "trajectory", compared.trajectory, whole)
        yield from _worst_of_steps(problem, batch, "step", compared.step, last)


def batches(problem: Problem) -> list[list[int]]:
    """Parameters that share hyper-parameters and missing gradients: one array to the oracle."""
    together: dict[tuple[Any, ...], list[int]] = {}
    for i, shape in enumerate(problem.shapes):
        if np.prod(shape, dtype=int):
            gaps = tuple(sorted(t for t, j in problem.missing if j == i))
            together.setdefault((problem.groups[i], gaps), []).append(i)
    return list(together.values())


def _joined(arrays: Sequence[Array | None]) -> Array:
    return np.concatenate([np.ravel(x) for x in arrays if x is not None])


def _worst_of_steps(
    problem: Problem, batch: list[int], how: str, deviation: Deviation, movement: Array
) -> Iterator[Measured]:
    ratios = deviation.ratio
    claims = np.any(deviation.bound < np.abs(movement), axis=1)
    for t in range(problem.steps):
        k = int(np.argmax(ratios[t]))
        yield Measured(
            float(deviation.error[t, k]),
            float(deviation.bound[t, k]),
            f"step {t + 1}, {place(problem, batch, k)}",
            t + 1,
            how,
            bool(claims[t]),
        )


def place(problem: Problem, batch: Sequence[int], k: int) -> str:
    """Words for element k of the joined parameters of a batch."""
    for i in batch:
        size = int(np.prod(problem.shapes[i], dtype=int))
        if k < size:
            index = ", ".join(str(int(j)) for j in np.unravel_index(k, problem.shapes[i]))
            return f"parameter {i} of shape {problem.shapes[i]}[{index}]"
        k -= size
    raise IndexError(k)
