"""A subject's path on numbers derived from a problem: what laws between two runs are stated in."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from momentum.arithmetic import exact_array, format_of, nearest_array
from momentum.checks._check import same
from momentum.conventions import Convention, Hyper
from momentum.oracle.deviation import Deviation
from momentum.oracle.replay import Trajectory, replay_steps
from momentum.subjects.drive import Observation, begin, observe, steps
from momentum.subjects.judge import Measured, blocks, judge
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Facts, Subject

Change = Callable[[int, Array], Array]
"""What becomes of the values of parameter i."""


def unchanged(i: int, values: Array) -> Array:
    """The values as they are."""
    return values


@dataclass(frozen=True)
class Feed:
    """Start, gradients[t][i] and hyper-parameters of an open-loop run."""

    start: list[Array]
    gradients: list[list[Array | None]]
    hypers: list[tuple[Hyper, ...]]

    def mapped(self, change: Change) -> "Feed":
        """change(i, values) applied to the start and to every gradient of parameter i."""
        gradients: list[list[Array | None]] = [
            [None if g is None else change(i, g) for i, g in enumerate(row)]
            for row in self.gradients
        ]
        start = [change(i, x) for i, x in enumerate(self.start)]
        return replace(self, start=start, gradients=gradients)

    def with_hypers(self, change: Callable[[Hyper], Hyper]) -> "Feed":
        """Other hyper-parameters at every step."""
        return replace(self, hypers=[tuple(change(h) for h in row) for row in self.hypers])


def exactly(
    subject: Subject, convention: Convention, observation: Observation, i: int
) -> Trajectory:
    """The exact run of a parameter on what it was fed, with the bound of the subject's format."""
    problem = observation.problem
    return replay_steps(
        convention,
        problem.start[i],
        [row[i] for row in observation.fed],
        [row[problem.groups[i]] for row in problem.hypers],
        dtype=subject.facts.format_name(problem.dtype),
        tier="fast",
    )


def feed_of(problem: Problem) -> Feed:
    """What an open-loop problem feeds."""
    start = problem.start
    gradients = [problem.gradients(t, start) for t in range(problem.steps)]
    return Feed(start, gradients, list(problem.hypers))


def path(subject: Subject, problem: Problem, feed: Feed) -> list[list[Array]]:
    """The iterates after every step."""
    run = begin(subject, replace(problem, hypers=tuple(feed.hypers)), feed.start)
    gone = steps(run, feed.hypers, lambda t, _: feed.gradients[t], problem=problem)
    return [list(here) for _, here in gone]


def alike(
    got: Sequence[Sequence[Array]],
    wanted: Sequence[Sequence[Array]],
    problem: Problem,
    change: Change = unchanged,
) -> Iterator[Measured]:
    """Bit for bit: got = change(wanted) at every step and parameter."""
    for t, (here, there) in enumerate(zip(got, wanted), 1):
        for i, (a, b) in enumerate(zip(here, there)):
            where = f"step {t}, parameter {i} of shape {problem.shapes[i]}"
            yield same(a, change(i, b), where, t)


def bounds(
    subject: Subject, convention: Convention, problem: Problem, feed: Feed
) -> list[list[Array]]:
    """How far each iterate of a right optimizer may lie from the exact one."""
    dtype = subject.facts.format_name(problem.dtype)
    found = [[np.zeros(x.shape) for x in feed.start] for _ in feed.gradients]
    for block in blocks(replace(problem, hypers=tuple(feed.hypers)), map(tuple, feed.gradients)):
        truth = block._replace(start=block.joined(feed.start)).replayed(convention, dtype)
        ends = np.cumsum([feed.start[i].size for i in block.batch])[:-1]
        for t, row in enumerate(truth.bound):
            for i, part in zip(block.batch, np.split(row, ends)):
                found[t][i] = part.reshape(feed.start[i].shape)
    return found


def near(
    got: Sequence[Sequence[Array]],
    wanted: Sequence[Sequence[Array]],
    allowed: Sequence[Sequence[Array]],
    problem: Problem,
    change: Change = unchanged,
) -> Iterator[Measured]:
    """got = change(wanted) at every step and parameter, but for both runs' rounding.

    allowed: bounds of the run `wanted`; those of the other one are the same, changed likewise.
    """
    start = problem.start
    for t, (here, there, rows) in enumerate(zip(got, wanted, allowed), 1):
        for i, (a, b, bound) in enumerate(zip(here, there, rows)):
            if a.size:
                gap = _gap(a, change(i, b), 2 * abs(change(i, bound)), problem.shapes[i], t, i)
                moved = abs(b - start[i]) if b.shape == start[i].shape else np.inf
                yield gap._replace(claims=bool(np.any(2 * bound < moved)))


def law(
    subject: Subject,
    convention: Convention,
    problem: Problem,
    others: Iterable[tuple[Feed, Change]],
    feed: Feed | None = None,
) -> Iterator[Measured]:
    """Runs on other feeds each go the way of the problem's own, changed likewise, within `near`.

    feed: in place of the problem's own.
    """
    own = feed_of(problem) if feed is None else feed
    wanted, allowed = path(subject, problem, own), bounds(subject, convention, problem, own)
    for other, change in others:
        yield from near(path(subject, problem, other), wanted, allowed, problem, change)


def _gap(
    got: Array, wanted: Array, bound: Array, shape: tuple[int, ...], step: int, i: int
) -> Measured:
    with np.errstate(all="ignore"):
        error = np.where((got == wanted) | (np.isnan(got) & np.isnan(wanted)), 0, abs(got - wanted))
    where = f"step {step}, parameter {i} of shape {shape}"
    return worst(error, bound, where, step, "two runs", got, wanted)


def worst(
    error: Array,
    bound: Array,
    where: str,
    step: int,
    how: str = "",
    got: Array | None = None,
    wanted: Array | None = None,
) -> Measured:
    """The element whose error is the largest part of its bound; infinite where it is nan.

    got, wanted: what was compared, to be told where they differ.
    """
    error = np.where(np.isnan(error), np.inf, error)
    bound = np.broadcast_to(bound, error.shape)
    ratio = Deviation(error, bound).ratio
    k = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    where += f"[{', '.join(str(int(j)) for j in k)}]" if k else ""
    if got is not None and wanted is not None and error[k]:
        where += f": {got[k]:.9g}, wanted {wanted[k]:.9g}"
    return Measured(float(error[k]), float(bound[k]), where, step, how)


def in_formats(
    subject: Subject,
    convention: Convention,
    problem: Problem,
    names: Sequence[str],
    start: Sequence[Array],
    fed: Sequence[Sequence[Array]],
) -> Iterator[Measured]:
    """The oracle's judgement of a run whose parameters have each a format of their own, by name."""
    run = begin(subject, replace(problem, options=(("dtypes", tuple(names)),)), start)
    gone = [here for _, here in steps(run, problem.hypers, lambda t, _: fed[t])]
    for i, name in enumerate(names):
        truth = replay_steps(
            convention,
            start[i],
            [row[i] for row in fed],
            [row[0] for row in problem.hypers],
            dtype=subject.facts.format_name(name),
            tier="fast",
        )
        deviation = truth.compare([row[i] for row in gone]).trajectory
        step, *place = deviation.worst
        where = f"step {step + 1}, parameter {i} in {name}{place}, formats {', '.join(names)}"
        error, bound = (float(x[step, *place]) for x in deviation)
        yield Measured(error, bound, where, step + 1)


def crowded(facts: Facts, convention: Convention, problem: Problem) -> str | None:
    """Hyper-parameters and format leave so little room that ordinary numbers may meet underflow."""
    numbers = [abs(x) for row in problem.hypers for h in row for x in h if x]
    roomy = format_of(problem.dtype).emax > 100 and all(2**-20 <= x <= 2**20 for x in numbers)
    return None if roomy else "the format leaves powers of two too little room"


def flat(arrays: Sequence[Array]) -> Array:
    """All parameters as one vector."""
    return np.concatenate([np.ravel(x) for x in arrays]) if arrays else np.zeros(0)


def judged(subject: Subject, convention: Convention, problem: Problem) -> Iterator[Measured]:
    """The oracle's judgement of a subject on a problem."""
    yield from judge(subject, observe(subject, problem), convention)


def against(
    got: Array, truth: Any, bound: Any, where: str, step: int, start: Array | None = None
) -> Measured:
    """The worst element of an iterate against rationals from a closed form.

    start: where the run began, to see whether the bound is narrower than the movement.
    """
    known = np.isfinite(got)
    error = np.where(known, 0.0, np.inf)
    error[known] = nearest_array(abs(exact_array(got[known]) - truth[known]))
    moved = np.inf if start is None else abs(nearest_array(truth) - start)
    measured = worst(error, bound, where, step, "closed form")
    return measured._replace(claims=bool(np.any(np.broadcast_to(bound, error.shape) < moved)))
