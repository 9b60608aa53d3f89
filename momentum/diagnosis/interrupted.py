"""Runs that are saved, loaded or copied in the middle, and steps taken by no plain call.

A subject whose runs are interrupted, or stepped, in such a way is one more subject, held to the
same convention; so what goes wrong in it is looked for, and placed, as everything else is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from momentum.arithmetic.number import Number
from momentum.conventions import Convention, Hyper, Moved, Rule, State
from momentum.diagnosis.departure import Apply, all_of, around, scheduled
from momentum.diagnosis.hypothesis import Hypothesis, Schedule, Suspect
from momentum.diagnosis.numbers import FACTORS, Formula
from momentum.subjects.offers import FullRun, Gradients, full
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Facts, Gradient, Subject
from momentum.subjects.trial import Restated

STOP = 3
"""Steps before the interruption: there is a velocity by then that no single gradient is."""

MORE = 3
"""Steps after it, at least."""

WAYS: Mapping[str, str] = {
    "resume": "after the run was saved and loaded",
    "deepcopy": "after the run was copied by copy.deepcopy",
    "pickle": "after the run was pickled and read again",
}
"""How a run may be interrupted, by the offer that it takes, in words."""


@dataclass(frozen=True)
class Interrupted:
    """A subject whose runs all go on, after some steps, as what was saved or copied of them."""

    of: Subject
    way: str

    @property
    def facts(self) -> Facts:
        """The subject's own, step by step; every parameter has a gradient before the stop."""
        return replace(self.of.facts, none_gradients=False, at_once=False)

    def start(
        self, parameters: Sequence[Array], hypers: Sequence[Hyper], dtype: str, *more: Any
    ) -> Any:
        """A run."""

        def fresh() -> FullRun:
            zeros = [np.zeros(np.shape(x)) for x in parameters]
            return full(self.of.start(zeros, list(hypers), dtype, *more))

        run = full(self.of.start(parameters, hypers, dtype, *more))
        return InterruptedRun(run, self.way, fresh, list(hypers))


class InterruptedRun:
    """One run. fresh: makes another one of the same settings. hypers: as they are set."""

    def __init__(
        self, run: FullRun, way: str, fresh: Callable[[], FullRun], hypers: list[Hyper]
    ) -> None:
        self.run, self.way, self.fresh = run, way, fresh
        self.begun, self.hypers = list(hypers), hypers
        self.taken = 0
        self.late: dict[int, Hyper] = {}

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step, after the interruption if it is its turn."""
        if self.taken == STOP:
            self.run = self._again()
            for group, hyper in self.late.items():
                self.run.set(hyper, group)
        self.taken += 1
        self.run.step(gradients)

    def _again(self) -> FullRun:
        if self.way != "resume":
            return self.run.duplicate(self.way)
        other = self.fresh()
        other.load(self.run.save())
        if self.hypers != self.begun:
            for group, hyper in enumerate(self.hypers):
                other.set(hyper, group)
        return other

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """Set a group's hyper-parameters, where it comes to it after the interruption."""
        if self.taken == STOP:
            self.late[group] = hyper
            return
        self.run.set(hyper, group)
        self.hypers[group] = hyper

    def __getattr__(self, name: str) -> object:
        return getattr(self.run, name)


STEPS: Mapping[str, tuple[Callable[[FullRun, Gradients], object], str]] = {
    "closure": (lambda run, fed: run.step_closure(fed), "through a closure"),
    "refill": (
        lambda run, fed: run.refill(fed),
        "where gradients are written into the memory of the last ones",
    ),
    "sparse": (lambda run, fed: run.step_sparse(fed), "with sparse gradients"),
}
"""By the offer that it takes: how a step is taken, and the same in words."""


def otherwise(subject: Subject, way: str) -> tuple[Subject, str]:
    """The subject, whose runs or single steps are all taken in that way; the way in words."""
    if way in WAYS:
        return Interrupted(subject, way), WAYS[way]
    facts = replace(subject.facts, at_once=False)
    return Restated(subject, facts, lambda run, dtype: OtherRun(run, way)), STEPS[way][1]


@dataclass(frozen=True)
class OtherRun:
    """One run; all but its steps are those of the run inside."""

    run: FullRun
    way: str

    def step(self, gradients: Gradients) -> None:
        """One step, in that way."""
        STEPS[self.way][0](self.run, gradients)

    def __getattr__(self, name: str) -> object:
        return getattr(self.run, name)


def losses(way: str, convention: Convention) -> Iterator[Suspect[Hypothesis]]:
    """What may be lost where a run is interrupted in this way."""
    own, until_set = Hypothesis.of(convention), partial(_until_set, way == "resume")
    initial = convention.initial
    lost = {
        "the velocity is lost, and the next step is as a first one":
            _at_stop(lambda state, h: initial),
        "the velocity is lost, and the next step finds zeros":
            _at_stop(lambda state, h: state._replace(v=0 * state.v)),
        "the hyper-parameters are again those of the start":
            scheduled(until_set(lambda h, first: first)),
        "what is set has no effect any more":
            scheduled(lambda hypers: [*hypers[:STOP], *[hypers[STOP - 1]] * len(hypers[STOP:])]),
        **{f"the {name} that is kept beside the velocity is lost":
            _at_stop(partial(_forgotten, name, initial))
           for name in initial._fields if name not in State._fields},
        **{f"{name} is lost": scheduled(until_set(partial(_without, name)))
           for name in Hyper._field_defaults if name in convention.knows},
        **{f"the velocity is {words} by {text}": _at_stop(partial(_scaled, factor, power))
           for text, factor in FACTORS.items()
           for words, power in (("multiplied", 1), ("divided", -1))},
    }  # fmt: skip
    yield from (d.suspected(own) for d in all_of(lost))


def _at_stop(change: Callable[[State, Hyper], State]) -> Apply:
    """The first step after the stop finds another state."""

    def stepped(step: Rule, theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        if state.step != STOP:
            return step(theta, grad, state, h)
        theta, after = step(theta, grad, change(state, h), h)
        return theta, after._replace(step=STOP + 1)

    return around(stepped)


def _without(name: str, h: Hyper, first: Hyper) -> Hyper:
    return h._replace(**{name: Hyper._field_defaults[name]})


def _forgotten(name: str, initial: State, state: State, h: Hyper) -> State:
    return state._replace(**{name: getattr(initial, name)})


def _scaled(factor: Formula, power: int, state: State, h: Hyper) -> State:
    share = factor(h)
    return state._replace(v=share * state.v if power > 0 else state.v / share)


def _until_set(loaded: bool, change: Callable[..., Hyper]) -> Schedule:
    """Other hyper-parameters after the stop, until they are set anew.

    loaded: as they are at the stop already, where they are no more those of the start.
    """

    def changed(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        if loaded and hypers[min(STOP, len(hypers)) - 1] != hypers[0]:
            return hypers
        again = next((t for t in range(STOP, len(hypers)) if hypers[t] != hypers[t - 1]), None)
        here = range(STOP, len(hypers) if again is None else again)
        return [change(h, hypers[0]) if t in here else h for t, h in enumerate(hypers)]

    return changed


def set_in(text: str, words: str, way: str) -> str:
    """A cause in an interrupted run, as one in the run of the check.

    Where runs are saved or copied its steps are left out: they are those of a longer problem.
    """
    when, _, cause = text.partition(": ")
    return f"{words}, {cause}" if way in WAYS else f"{when}: {words}, {cause}"


def lengthened(text: str) -> str:
    """A problem, in text, that goes on for some steps after the stop, and changes after it."""
    problem = Problem.from_text(text)
    if len(set(problem.hypers)) > len(set(problem.hypers[STOP - 1 :])):
        hypers = (*problem.hypers[:1] * STOP, *problem.hypers)
        missing = frozenset((t + STOP, i) for t, i in problem.missing)
        problem = replace(problem, hypers=hypers, missing=missing)
    more = max(0, STOP + MORE - problem.steps)
    return replace(problem, hypers=(*problem.hypers, *problem.hypers[-1:] * more)).to_text()
