"""The oracle's judgement of where a subject went, and how small an error it would have seen."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from momentum.conventions import Convention, Hyper
from momentum.oracle.deviation import Deviation
from momentum.oracle.power import COORDINATES, smallest
from momentum.oracle.replay import Trajectory, replay_steps
from momentum.subjects.drive import Fed, Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Subject


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


def judge(subject: Subject, observation: Observation, convention: Convention) -> Iterator[Measured]:
    """The oracle's judgement: the worst of each step, against trajectory and step, per group."""
    problem = observation.problem
    dtype = subject.facts.format_name(problem.dtype)
    for block in blocks(problem, observation.fed):
        truth = block.replayed(convention, dtype)
        compared = truth.compare([block.joined(row) for row in observation.iterates])
        whole = truth.values - block.start
        last = np.diff(truth.values, axis=0, prepend=block.start[None])
        yield from _worst_of_steps(problem, block.batch, "trajectory", compared.trajectory, whole)
        yield from _worst_of_steps(problem, block.batch, "step", compared.step, last)


class Block(NamedTuple):
    """Parameters that share hyper-parameters and missing gradients: one array to the oracle.

    batch: which they are. part: what is taken of each. hypers: one row a step.
    """

    batch: list[int]
    part: Callable[[Array], Array]
    start: Array
    fed: list[Array | None]
    hypers: list[Hyper]

    def joined(self, row: Sequence[Array | None]) -> Array:
        """Its part of what there is of all parameters."""
        return np.concatenate([self.part(x) for i in self.batch if (x := row[i]) is not None])

    def replayed(self, convention: Convention, dtype: str) -> Trajectory:
        """The oracle on it."""
        return replay_steps(convention, self.start, self.fed, self.hypers, dtype=dtype, tier="fast")


def blocks(
    problem: Problem, fed: Iterable[Fed], part: Callable[[Array], Array] = np.ravel
) -> Iterator[Block]:
    """A problem's parameters, put together; fed: gradients of each step. None are empty."""
    together: dict[tuple[Any, ...], list[int]] = {}
    for i, shape in enumerate(problem.shapes):
        if np.prod(shape, dtype=int):
            gaps = tuple(sorted(t for t, j in problem.missing if j == i))
            together.setdefault((problem.groups[i], gaps), []).append(i)
    rows = list(fed)
    for (group, _), batch in together.items():
        one = Block(batch, part, np.empty(0), [], [row[group] for row in problem.hypers])
        joined = [None if row[batch[0]] is None else one.joined(row) for row in rows]
        yield one._replace(start=one.joined(problem.start), fed=joined)


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


def power(
    convention: Convention, problems: Iterable[Problem], suffix: str = ""
) -> dict[str, float]:
    """The smallest relative error of each hyper-parameter that would have failed.

    Closed loops are passed by. suffix: of the format's name, such as `:flushing`.
    """
    return smallest(
        one for problem in problems for one in _of_one(convention, problem, problem.dtype + suffix)
    )


def _of_one(convention: Convention, problem: Problem, dtype: str) -> Iterator[dict[str, float]]:
    if problem.closed:
        return
    fed = [tuple(problem.gradients(t, problem.start)) for t in range(problem.steps)]
    for block in blocks(problem, fed, lambda x: x.ravel()[:COORDINATES]):
        yield block.replayed(convention, dtype).power_of_all()
