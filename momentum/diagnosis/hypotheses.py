"""What a subject may be computing: a convention, and how it departs from it.

A departure is a function from hypothesis to hypothesis: it tells the convention's own rule other
hyper-parameters than those that were set, or keeps another state. No rule is written down twice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from momentum.arithmetic import exact
from momentum.conventions import Convention, Hyper, Rule
from momentum.subjects.observation import Measured, Observation, judge
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

Array = NDArray[np.float64]
Schedule = Callable[[Sequence[Hyper]], Sequence[Hyper]]
"""From the hyper-parameters of all steps as they were set to those that the rule sees."""

EVERYTHING = frozenset({"momentum", "dampening", "nesterov", "nu"})


def as_set(problem: Problem) -> Problem:
    """The hyper-parameters as they were set."""
    return problem


@dataclass(frozen=True)
class Hypothesis:
    """A convention with departures from it.

    base: the convention that is departed from. convention: what is replayed. retold: the problem
    with the hyper-parameters that the rule sees, from those that were set.
    departures: names, one each. words: the same for people.
    """

    base: Convention
    convention: Convention
    departures: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    retold: Callable[[Problem], Problem] = as_set

    @classmethod
    def of(cls, convention: Convention) -> "Hypothesis":
        """The convention as it is; hyper-parameters that it does not know have no effect."""
        return cls(convention, replace(convention, takes=EVERYTHING))

    def replayed(self, observation: Observation) -> list[list[Array]]:
        """Iterates in float64, by step and parameter, without a bound."""
        problem = self.retold(observation.problem)
        here = list(problem.start)
        states = [self.convention.initial for _ in here]
        rows = []
        with np.errstate(all="ignore"):
            for t, fed in enumerate(observation.fed):
                for i, grad in enumerate(fed):
                    if grad is not None:
                        h = problem.hypers[t][problem.groups[i]]
                        here[i], states[i] = self.convention.step(here[i], grad, states[i], h)
                rows.append(list(here))
        return rows

    def distance(self, observation: Observation) -> float:
        """Largest distance between the subject and `replayed`; 0 where they are equal."""
        gaps = [
            _gap(got, wanted)
            for left, right in zip(observation.iterates, self.replayed(observation))
            for got, wanted in zip(left, right)
        ]
        return max(gaps, default=0.0)

    def judged(self, subject: Subject, observation: Observation) -> Iterator[Measured]:
        """The oracle's judgement of the subject under this hypothesis."""
        told = replace(observation, problem=self.retold(observation.problem))
        return judge(subject, told, self.convention)

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """Every iterate is equal to the replay, or lies within its error bound."""
        if self.distance(observation) == 0:
            return True
        return all(m.ratio <= 1 for m in self.judged(subject, observation))


def _gap(got: Array, wanted: Array) -> float:
    with np.errstate(all="ignore"):
        gap = np.where(got == wanted, 0.0, np.abs(got - wanted))
    return float(np.max(np.where(np.isnan(gap), np.inf, gap), initial=0.0))


class Departure(NamedTuple):
    """One way not to do what a convention says. about: the hyper-parameter it concerns."""

    name: str
    about: str
    words: str
    apply: Callable[[Hypothesis], Hypothesis]

    def on(self, hypothesis: Hypothesis) -> Hypothesis:
        """The hypothesis, departed from."""
        changed = self.apply(hypothesis)
        return replace(
            changed,
            departures=(*hypothesis.departures, self.name),
            words=(*hypothesis.words, self.words),
        )


def told(change: Callable[[Hyper], Hyper]) -> Callable[[Hypothesis], Hypothesis]:
    """The whole step, decay included, is told other hyper-parameters."""

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        return _rewritten(
            hypothesis, lambda step: lambda x, g, s, h: step(x, g, s, change(h)), change
        )

    return apply


def constant(name: str, value: float) -> Callable[[Hypothesis], Hypothesis]:
    """A hyper-parameter has this value whatever is set."""

    def change(h: Hyper) -> Hyper:
        number = exact(value) if isinstance(h.lr, fmpq) else value
        return Hyper(**(h._asdict() | {name: number}))

    return told(change)


def around(wrap: Callable[[Rule], Rule]) -> Callable[[Hypothesis], Hypothesis]:
    """The whole step, decay included, inside another function."""
    return lambda hypothesis: _rewritten(hypothesis, wrap, lambda h: h)


def scheduled(change: Schedule) -> Callable[[Hypothesis], Hypothesis]:
    """The rule sees other hyper-parameters than those that were set, step by step."""

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        before = hypothesis.retold

        def retold(problem: Problem) -> Problem:
            seen = before(problem)
            columns = [change(column) for column in zip(*seen.hypers)]
            return replace(seen, hypers=tuple(zip(*columns)))

        return replace(hypothesis, retold=retold)

    return apply


def _rewritten(
    hypothesis: Hypothesis, wrap: Callable[[Rule], Rule], change: Callable[[Hyper], Hyper]
) -> Hypothesis:
    """Another rule around the whole step. The sign of the gradient is turned once, inside."""
    old = hypothesis.convention

    def unsigned(step: Rule) -> Rule:
        wrapped = wrap(step)
        return lambda x, g, s, h: wrapped(x, -g if h.maximize else g, s, h)

    def forms(h: Hyper) -> tuple[Rule, ...]:
        return tuple(unsigned(form) for form in old.all_forms(change(h))[1:])

    new = replace(old, rule=unsigned(old.step), forms=forms, decay="coupled", takes=EVERYTHING)
    return replace(hypothesis, convention=new)


def seeded(convention: Convention) -> Hypothesis:
    """An average that starts with the first gradient: dampening is the momentum."""
    change = told(lambda h: h._replace(dampening=h.momentum))
    words = "dampening equals momentum, so that the velocity is an average seeded with v = g"
    return Departure("dampening_is_momentum", "momentum", words, change).on(
        Hypothesis.of(convention)
    )
