"""A subject's path on numbers derived from a problem: what laws between two runs are stated in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from momentum.arithmetic import exact_array, format_of, nearest_array
from momentum.arithmetic.exact import Rationals
from momentum.checks._check import told_apart
from momentum.checks._given import Problem
from momentum.checks._trial import Found, Trial
from momentum.conventions import Hyper
from momentum.oracle.deviation import Deviation
from momentum.subjects.drive import begin, steps
from momentum.subjects.judge import Measured, blocks
from momentum.subjects.protocol import Array, Gradient
from momentum.theory.impulse import impulse

Change = Callable[[int, Array], Array]
"""What becomes of the values of parameter i."""

Path = Sequence[Sequence[Array]]
"""The parameters after every step."""


def unchanged(i: int, values: Array) -> Array:
    """The values as they are."""
    return values


def times(factor: float) -> Change:
    """All of them times a number."""
    return lambda i, x: factor * x


@dataclass(frozen=True)
class Feed:
    """Start, gradients[t][i] and hyper-parameters of an open-loop run."""

    start: list[Array]
    gradients: list[list[Array | None]]
    hypers: list[tuple[Hyper, ...]]

    def mapped(self, change: Change) -> "Feed":
        """change(i, values) applied to the start and to every gradient of parameter i."""
        start = [change(i, x) for i, x in enumerate(self.start)]
        return replace(self.with_gradients(change), start=start)

    def with_gradients(self, change: Change) -> "Feed":
        """change(i, values) applied to every gradient of parameter i."""
        gradients: list[list[Array | None]] = [
            [None if g is None else change(i, g) for i, g in enumerate(row)]
            for row in self.gradients
        ]
        return replace(self, gradients=gradients)

    def with_hypers(self, change: Callable[[Hyper], Hyper]) -> "Feed":
        """Other hyper-parameters at every step."""
        return replace(self, hypers=[tuple(change(h) for h in row) for row in self.hypers])


class Other(NamedTuple):
    """A second run: what it is fed, and by what change it and the first come to the same."""

    feed: Feed
    wanted: Change = unchanged
    got: Change = unchanged
    name: str = ""


def feed_of(problem: Problem) -> Feed:
    """What an open-loop problem feeds."""
    start = problem.start
    gradients = [problem.gradients(t, start) for t in range(problem.steps)]
    return Feed(start, gradients, list(problem.hypers))


def path(trial: Trial, feed: Feed) -> list[list[Array]]:
    """The iterates after every step."""
    problem = trial.problem
    run = begin(trial.subject, replace(problem, hypers=tuple(feed.hypers)), feed.start)
    gone = steps(run, feed.hypers, lambda t, _: feed.gradients[t], problem=problem)
    return [list(here) for _, here in gone]


def bounds(trial: Trial, feed: Feed) -> list[list[Array]]:
    """How far each iterate of a right optimizer may lie from the exact one."""
    dtype = trial.subject.facts.format_name(trial.problem.dtype)
    found = [[np.zeros(x.shape) for x in feed.start] for _ in feed.gradients]
    problem = replace(trial.problem, hypers=tuple(feed.hypers))
    for block in blocks(problem, map(tuple, feed.gradients)):
        truth = block._replace(start=block.joined(feed.start)).replayed(trial.convention, dtype)
        ends = np.cumsum([feed.start[i].size for i in block.batch])[:-1]
        for t, row in enumerate(truth.bound):
            for i, part in zip(block.batch, np.split(row, ends)):
                found[t][i] = part.reshape(feed.start[i].shape)
    return found


def near(
    got: Path, wanted: Path, allowed: Path, problem: Problem, change: Change = unchanged
) -> Found:
    """got = change(wanted) at every step and parameter, but for both runs' rounding.

    allowed: bounds of the run `wanted`; those of the other one are the same, changed likewise.
    """
    start = problem.start
    for t, (here, there, rows) in enumerate(zip(got, wanted, allowed), 1):
        for i, (a, b, bound) in enumerate(zip(here, there, rows)):
            if a.size:
                want = change(i, b)
                with np.errstate(all="ignore"):
                    alike = (a == want) | (np.isnan(a) & np.isnan(want))
                    error = np.where(alike, 0, abs(a - want))
                where = f"step {t}, parameter {i} of shape {problem.shapes[i]}"
                gap = worst(error, 2 * abs(change(i, bound)), where, t, "two runs", a, want)
                moved = abs(b - start[i]) if b.shape == start[i].shape else np.inf
                yield gap._replace(claims=bool(np.any(2 * bound < moved)))


def law(trial: Trial, others: Iterable[Other], feed: Feed | None = None) -> Found:
    """Runs on other feeds each go the way of the problem's own, changed likewise, within `near`.

    feed: in place of the problem's own.
    """
    own = feed_of(trial.problem) if feed is None else feed
    wanted, allowed = path(trial, own), bounds(trial, own)
    for other in others:
        got = [[other.got(i, x) for i, x in enumerate(row)] for row in path(trial, other.feed)]
        for measured in near(got, wanted, allowed, trial.problem, other.wanted):
            where = f"{other.name}: {measured.where}" if other.name else measured.where
            yield measured._replace(where=where)


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
        where += f": {told_apart(got[k], wanted[k])}"
    return Measured(float(error[k]), float(bound[k]), where, step, how)


def in_formats(
    trial: Trial, names: Sequence[str], start: Sequence[Array], fed: Sequence[Sequence[Gradient]]
) -> Found:
    """The oracle's judgement of a run whose parameters have each a format of their own, by name."""
    problem = trial.problem
    run = trial.on(options=(("dtypes", tuple(names)),)).begin(start)
    gone = [here for _, here in steps(run, problem.hypers, lambda t, _: fed[t])]
    hypers = [row[0] for row in problem.hypers]
    for i, name in enumerate(names):
        truth = trial.replay(start[i], [row[i] for row in fed], hypers, name)
        deviation = truth.compare([row[i] for row in gone]).trajectory
        step, *place = deviation.worst
        where = f"step {step + 1}, parameter {i} in {name}{place}, formats {', '.join(names)}"
        error, bound = (float(x[step, *place]) for x in deviation)
        yield Measured(error, bound, where, step + 1)


def responds(trial: Trial, steps: int) -> Found:
    """So many iterates against the closed form of what the first gradient leads to."""
    seen, problem = trial.observe(), trial.problem
    displaced = impulse(trial.convention, problem.hypers[0][0], 1, steps)
    for i, name in enumerate(trial.parameters):
        bounds = trial.exactly(seen, i).bound
        start, grad = exact_array(problem.start[i]), exact_array(seen.fed[0][i])
        for t, moved in enumerate(displaced, 1):
            got, truth = seen.iterates[t - 1][i], start + moved * grad
            yield against(got, truth, bounds[t - 1], f"step {t}, {name}", t, problem.start[i])


def crowded(trial: Trial) -> str | None:
    """Hyper-parameters and format leave so little room that ordinary numbers may meet underflow."""
    problem = trial.problem
    numbers = [abs(x) for row in problem.hypers for h in row for x in h if x]
    roomy = format_of(problem.dtype).emax > 100 and all(2**-20 <= x <= 2**20 for x in numbers)
    return None if roomy else "the format leaves powers of two too little room"


def flat(arrays: Sequence[Array]) -> Array:
    """All parameters as one vector."""
    return np.concatenate([np.ravel(x) for x in arrays]) if arrays else np.zeros(0)


def against(
    got: Array,
    truth: Rationals,
    bound: Array | float,
    where: str,
    step: int,
    start: Array | None = None,
) -> Measured:
    """The worst element of an iterate against rationals from a closed form.

    start: where the run began, to see whether the bound is narrower than the movement.
    """
    known = np.isfinite(got)
    error = np.full(known.shape, np.inf)
    error[known] = nearest_array(abs(exact_array(got[known]) - truth[known]))
    moved = np.inf if start is None else abs(nearest_array(truth) - start)
    bound = np.broadcast_to(np.asarray(bound, dtype=np.float64), error.shape)
    measured = worst(error, bound, where, step, "closed form")
    return measured._replace(claims=bool(np.any(bound < moved)))
