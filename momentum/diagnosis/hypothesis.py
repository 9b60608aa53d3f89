"""What a subject may be computing: a convention, how it departs from it, and where.

A departure is a function from hypothesis to hypothesis: it tells the convention's own rule other
hyper-parameters or gradients than those that were given, or keeps another state. No rule is
written down twice. A hypothesis replays each element by itself, so that its departures may hold
for some elements, parameters or settings only.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from momentum.conventions import Convention, Hyper
from momentum.oracle.deviation import Deviation
from momentum.oracle.replay import replay_steps
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Subject

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Path = Sequence[Sequence[Array]]  # the parameters after every step
Schedule = Callable[[Sequence[Hyper]], Sequence[Hyper]]
"""From the hyper-parameters of all steps as they were set to those that the rule sees."""

CLEAR = 3
"""A run beside the subject is within two bounds of it; so where the subject is further than three
from the convention, that run is beyond its bound too, and wrong."""

EVERYTHING = frozenset({"momentum", "dampening", "nesterov", "nu"})


class Strand(NamedTuple):
    """The way of some elements of a parameter: where from, by which rule, fed and told what.

    elements: flat indices. rows[k]: the observed step at which replayed step k ends, -1 for none.
    """

    parameter: int
    elements: NDArray[np.intp]
    rule: Convention
    start: Array
    grads: tuple[Array | None, ...]
    hypers: tuple[Hyper, ...]
    rows: tuple[int, ...]

    def part(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Strand":
        """Some of its elements, by mask or index into them."""
        grads = tuple(None if g is None else g[chosen] for g in self.grads)
        return self._replace(elements=self.elements[chosen], start=self.start[chosen], grads=grads)

    def alike(self, rows: NDArray[np.bool_]) -> "Iterator[tuple[Strand, NDArray[np.bool_]]]":
        """Elements for which something is true at the same steps, together, and at which steps."""
        patterns, which = np.unique(rows, axis=1, return_inverse=True)
        for k in range(patterns.shape[1]):
            yield self.part(np.ravel(which) == k), patterns[:, k]


Telling = Callable[[Observation, Strand], Iterable[Strand]]
"""From a strand as it ought to be to how it is taken."""

Inside = Callable[[Observation, int], "bool | Mask"]
"""The elements of a parameter, as one truth or a flat mask."""


class Scope(NamedTuple):
    """Where a departure holds. inside: the elements of a parameter, as one truth or a flat mask.

    around: shapes on both sides of the number in its words, where a wider or narrower place parts.
    """

    words: str
    inside: Inside
    around: tuple[tuple[int, ...], ...] = ()

    def mask(self, observation: Observation, i: int) -> Mask:
        """The elements as a flat mask."""
        size = observation.problem.start[i].size
        return np.broadcast_to(self.inside(observation, i), (size,))


@dataclass(frozen=True)
class Hypothesis:
    """A convention with departures from it.

    base: the convention that is departed from. convention: what is replayed. tellings: applied to
    each strand in turn. scopes: where all of that holds; elsewhere the base does.
    words: of the departures, one each. slack: bounds that a run may be away, 1 but where the
    hypothesis computes a gradient, whose own rounding no bound holds: a heuristic.
    """

    base: Convention
    convention: Convention
    words: tuple[str, ...] = ()
    tellings: tuple[Telling, ...] = ()
    scopes: tuple[Scope, ...] = ()
    slack: int = 1

    @classmethod
    def of(cls, convention: Convention) -> "Hypothesis":
        """The convention as it is; hyper-parameters that it does not know have no effect."""
        return cls(convention, replace(convention, takes=EVERYTHING))

    def within(self, *scopes: Scope) -> "Hypothesis":
        """The same, where all these scopes hold."""
        return replace(self, scopes=(*self.scopes, *scopes))

    def inside(self, observation: Observation, i: int) -> Mask:
        """The elements of a parameter for which it holds, flat."""
        found = np.ones(observation.problem.start[i].size, dtype=bool)
        for scope in self.scopes:
            found &= scope.mask(observation, i)
        return found

    def strands(self, observation: Observation) -> Iterator[Strand]:
        """How every element is taken."""
        problem = observation.problem
        for i, start in enumerate(problem.start):
            inside = self.inside(observation, i)
            whole = Strand(
                i, np.arange(start.size), replace_takes(self.base), start.ravel(),
                tuple(None if (g := row[i]) is None else np.ravel(g) for row in observation.fed),
                tuple(row[problem.groups[i]] for row in problem.hypers),
                tuple(range(problem.steps)),
            )  # fmt: skip
            if not inside.all():
                yield whole.part(~inside)
            found = [whole.part(inside)._replace(rule=self.convention)] if inside.any() else []
            for telling in self.tellings:
                found = [new for strand in found for new in telling(observation, strand)]
            yield from found

    def replayed(self, observation: Observation) -> list[list[Array]]:
        """Iterates in float64, by step and parameter, without a bound."""
        problem = observation.problem
        rows = [[np.array(x) for x in problem.start] for _ in range(problem.steps)]
        with np.errstate(all="ignore"):
            for strand, pieces in _joined(self.strands(observation)):
                here, state = strand.start, strand.rule.initial
                for grad, h, row in zip(strand.grads, strand.hypers, strand.rows):
                    if grad is not None:
                        try:
                            here, state = strand.rule.step(here, grad, state, h)
                        except ZeroDivisionError:  # no such formula at these numbers
                            here = np.full_like(strand.start, np.nan)
                    if row >= 0:
                        for i, elements, part in pieces:
                            rows[row][i].reshape(-1)[elements] = here[part]
        return rows

    def gaps(self, observation: Observation) -> list[Array]:
        """For each element the largest distance between the subject and `replayed`, in one row."""
        rows = self.replayed(observation)
        count = len(observation.problem.shapes)
        return [
            np.max([gap(a[i], b[i]).ravel() for a, b in zip(observation.iterates, rows)], axis=0)
            for i in range(count)
        ]

    def distance(self, observation: Observation) -> float:
        """Largest distance between the subject and `replayed`; 0 where they are equal."""
        return max((float(np.max(g, initial=0.0)) for g in self.gaps(observation)), default=0.0)

    def ratios(self, subject: Subject, observation: Observation, format: str = "") -> list[Array]:
        """For each element the largest error as a fraction of its bound, flat.

        format: whose bound; that of the problem's dtype where none is given.
        """
        problem = observation.problem
        worst = [np.zeros(x.size) for x in problem.start]
        dtype = subject.facts.format_name(format or problem.dtype)
        for strand, pieces in _joined(self.strands(observation)):
            if not strand.start.size:
                continue
            try:
                truth = replay_steps(
                    strand.rule, strand.start, strand.grads, strand.hypers, dtype=dtype, tier="fast"
                )
            except ZeroDivisionError:  # no such formula at these numbers
                for i, elements, _ in pieces:
                    worst[i][elements] = np.inf
                continue
            shown = [k for k, row in enumerate(strand.rows) if row >= 0]
            got = np.array([
                np.concatenate([
                    observation.iterates[strand.rows[k]][i].ravel()[elements]
                    for i, elements, _ in pieces
                ])
                for k in shown
            ])  # fmt: skip
            if not shown:
                continue
            if len(shown) == len(strand.rows):
                compared = truth.compare(list(got))
                ratio = np.maximum(compared.trajectory.ratio, compared.step.ratio)
            else:
                ratio = Deviation(gap(got, truth.values[shown]), truth.bound[shown]).ratio
            for i, elements, part in pieces:
                worst[i][elements] = np.maximum(worst[i][elements], ratio[:, part].max(axis=0))
        return worst

    def agreement(self, subject: Subject, observation: Observation, format: str = "") -> list[Mask]:
        """For each parameter the elements that stay within their bounds at every step, flat."""
        return [r <= self.slack for r in self.ratios(subject, observation, format)]

    def speaks(self, subject: Subject, observation: Observation) -> bool:
        """Somewhere it steps as the convention does not."""
        return any(map(np.any, self.moved(observation)))

    def moved(self, observation: Observation) -> list[Mask]:
        """For each parameter the elements that go elsewhere than by the convention, flat."""
        plain = Hypothesis.of(self.base).replayed(observation)
        return anywhere(lambda a, b: gap(a, b) != 0, self.replayed(observation), plain)

    def silent(self, observation: Observation) -> list[Mask]:
        """For each parameter the elements that it has no formula for at these numbers, flat.

        As where it divides by a rate of 0: what stands there then, nobody can know.
        """
        plain = Hypothesis.of(self.base).replayed(observation)
        return anywhere(lambda a, b: np.isnan(a) > np.isnan(b), self.replayed(observation), plain)

    def holds(self, subject: Subject, observation: Observation, format: str = "") -> bool:
        """Every iterate is equal to the replay, or lies within its error bound; see `ratios`."""
        if self.distance(observation) == 0:
            return True
        return all(bool(ok.all()) for ok in self.agreement(subject, observation, format))


class Explanation(Protocol):
    """How an optimizer with some cause would step."""

    def speaks(self, subject: Subject, observation: Observation) -> bool:
        """It says something of this run that its convention does not."""

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """The subject's run agrees with it."""


Kind = TypeVar("Kind", bound=Explanation, covariant=True)


class Suspect(NamedTuple, Generic[Kind]):
    """A possible cause, and how an optimizer with it would step."""

    words: str
    hypothesis: Kind


_TAKES: dict[int, tuple[Convention, Convention]] = {}


def replace_takes(convention: Convention) -> Convention:
    """The convention, made to overlook what it does not know; the same object for the same one."""
    kept = _TAKES.get(id(convention))
    if kept is None:
        kept = _TAKES[id(convention)] = convention, replace(convention, takes=EVERYTHING)
    return kept[1]


Piece = tuple[int, NDArray[np.intp], slice]
"""A parameter, some of its elements, and their place in a strand that is made of several."""


def _joined(strands: Iterable[Strand]) -> Iterator[tuple[Strand, list[Piece]]]:
    """Strands that are replayed as one array, and what that is made of."""
    together: dict[Any, list[Strand]] = {}
    for s in strands:
        gaps = tuple(g is None for g in s.grads)
        together.setdefault((id(s.rule), s.hypers, s.rows, gaps), []).append(s)
    for members in together.values():
        ends = np.cumsum([0, *(s.start.size for s in members)])
        pieces = [
            (s.parameter, s.elements, slice(a, b)) for s, (a, b) in zip(members, pairwise(ends))
        ]
        columns = zip(*(s.grads for s in members))
        yield (
            members[0]._replace(
                start=np.concatenate([s.start for s in members]),
                grads=tuple(None if c[0] is None else np.concatenate(c) for c in columns),
            ),
            pieces,
        )


def anywhere(parts: Callable[[Array, Array], Mask], one: Path, other: Path) -> list[Mask]:
    """For each parameter the elements that something parts at some step of two runs, flat."""
    columns = zip(zip(*one), zip(*other))
    return [np.any([np.ravel(parts(a, b)) for a, b in zip(*pair)], axis=0) for pair in columns]


def gap(got: Array, wanted: Array) -> Array:
    """|got - wanted|: 0 where they are equal, or both are nan; infinite where one is nan."""
    with np.errstate(all="ignore"):
        same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
        apart = np.where(same, 0.0, np.abs(got - wanted))
    return np.asarray(np.where(np.isnan(apart), np.inf, apart))
