"""Why a check fails: the failing run is held against everything that is known to go wrong.

A cause is accepted only where it explains, within the error bound, runs that it was not chosen by:
the same setting with other numbers, other shapes, and short runs in every other setting, in which
an optimizer with that cause must stay within its bound too, where the convention is kept and where
it is not. No cause is better than a false one.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from momentum.arithmetic import FORMATS
from momentum.checks.result import Result
from momentum.conventions import Convention
from momentum.diagnosis.context import Context, minimal
from momentum.diagnosis.families import clipped, drifting, fitted
from momentum.diagnosis.hypotheses import Hypothesis, Mask, Suspect
from momentum.diagnosis.mutants import mutants
from momentum.diagnosis.patterns import OTHERS, SHAPES, Verdicts, fitting
from momentum.diagnosis.rounding import coarser
from momentum.diagnosis.simulated import simulated
from momentum.diagnosis.suspects import identified, pairs, suspects
from momentum.diagnosis.trials import Trials, cut
from momentum.subjects.observation import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

SECONDS = 20.0
"""Of this process's own time that a search may take: a busy machine changes no cause."""

VAIN = 3
"""Searches without a result after which none is made."""

SCOPES = 4
"""Scopes that part all runs at hand, and are tried on others."""

NEAR = 64
"""Bounds of the convention that a hypothesis may be away, in a replay without bounds of its own,
and still be judged: bounds of related rules in one run differ by less."""

CLEAR = 3
"""A run beside the subject is within two bounds of it; so where the subject is further than three
from the convention, that run is beyond its bound too, and wrong."""


class Explainer:
    """Explains the failures of one subject, and remembers the causes that it found."""

    def __init__(self, subject: Subject, convention: Convention) -> None:
        self.subject, self.convention = subject, convention
        self.own = Hypothesis.of(convention)
        self.until = 0.0
        self.found: list[Suspect[Any]] = []
        self.vain = 0
        self.judged: dict[int, tuple[Observation, list[Mask]]] = {}
        self.trials = Trials(subject, convention, self._fails_on)

    def explain(self, result: Result) -> str:
        """The cause of a failure in words, empty where none is certain."""
        if result.verdict != "failed" or result.surprise or not result.problem:
            return ""
        return self.cause(Problem.from_text(result.problem))

    def cause(self, problem: Problem) -> str:
        """The cause of a failure on a problem, in words, empty where none is certain."""
        observation = self.trials.observed(problem)
        if observation is None or self._fails(observation) is None:
            return ""  # the check did more than step, and that is what goes wrong
        found = self._cause(observation)
        return f"{self._when(observation)}: {found.words}" if found else ""

    def _cause(self, observation: Observation) -> Suspect[Any] | None:
        for known in self.found:
            if known.hypothesis.holds(self.subject, observation):
                return known
        if self.vain >= VAIN:
            return None
        problem = observation.problem
        self.until = time.process_time() + SECONDS
        self.judged.clear()
        context = minimal(problem, self._fails_on)
        least = self.trials.observed(context.problem)
        if least is None:
            return None
        drawn = self.trials.varied(context, SHAPES, 1)
        chosen = [least, observation, *drawn, *self.trials.edge(context)]
        other = self.trials.varied(context, OTHERS, 2)
        held = self.trials.battery(problem.dtype)
        for group in self._groups(least):
            for suspect in self._near(least, group):
                found = self._scoped(suspect, context, [*chosen, *held], other)
                if found is not None:
                    self.found.append(found)
                    return found
        twice = tuple((2 * int(np.prod(s, dtype=int)),) for s in context.problem.shapes)
        runs = (*chosen, *other, *held, *self.trials.varied(context, twice, 4))
        for beside in self._beside(observation):
            if time.process_time() > self.until:
                break
            if all(beside.hypothesis.holds(self.subject, o) for o in runs):
                self.found.append(beside)
                return beside
        found = self._place(context, chosen, other)
        if found is None:
            self.vain += 1
        return found

    def _groups(self, observation: Observation) -> Iterator[Iterable[Suspect[Hypothesis]]]:
        problem = observation.problem
        several = len(problem.hypers[0]) > 1
        yield suspects(self.convention, several)
        yield mutants(self.convention, observation)
        yield identified(self.subject, problem.dtype, self.convention)
        yield fitted(self.subject, self.convention, problem.dtype, problem.hypers[0][0])
        yield drifting(self.subject, self.convention, problem.dtype)
        yield clipped(self.convention, observation)
        yield pairs(self.convention)

    def _near(
        self, least: Observation, group: Iterable[Suspect[Hypothesis]]
    ) -> Iterator[Suspect[Hypothesis]]:
        """Those that come near to all wrong elements of the smallest failing run."""
        bounds = self._reach(least)
        wrong = self._wrong(least)
        for suspect in group:
            if time.process_time() > self.until:
                return
            gaps = suspect.hypothesis.gaps(least)
            if all(np.all(g[w] <= b[w]) for g, w, b in zip(gaps, wrong, bounds)):
                explained = suspect.hypothesis.agreement(self.subject, least)
                if all(np.all(e[w]) for e, w in zip(explained, wrong)):
                    yield suspect

    def _reach(self, observation: Observation) -> list[np.ndarray]:
        """How near is near: from the convention's own errors in bounds."""
        gaps = self.own.gaps(observation)
        ratios = self.own.ratios(self.subject, observation)
        found = []
        for g, r in zip(gaps, ratios):
            with np.errstate(all="ignore"):
                bound = np.where(np.isfinite(r) & (r > 0), g / r, 0.0)
            largest = float(np.max(bound, initial=0.0)) or float(np.max(g, initial=0.0)) * 2.0**-8
            found.append(np.maximum(bound, largest) * NEAR)
        return found

    def _scoped(
        self,
        suspect: Suspect[Hypothesis],
        context: Context,
        chosen: Sequence[Observation],
        other: Sequence[Observation],
    ) -> Suspect[Any] | None:
        """The suspect, where it holds in all these runs."""
        told = replace(suspect.hypothesis, base=self.convention).within(*context.scopes)
        seen = []
        for observation in chosen:
            v = self._verdicts(told, observation)
            if not all((r | e).all() for r, e in zip(v.right, v.explained)):
                return None  # it is wrong there, and this does not say why
            seen.append(v)
        for scope in islice(fitting(seen), SCOPES):
            if time.process_time() > self.until:
                return None
            kept = told.within(scope) if scope.words else told
            tried = chain(other, self.trials.around(context, scope))
            if all(x.all() for o in tried for x in self._verdicts(kept, o).explained):
                words = [w for w in (context.words, scope.words) if w]
                text = f"{', '.join(words)}: {suspect.words}" if words else suspect.words
                return Suspect(suspect.name, text, kept)
        return None

    def _verdicts(self, hypothesis: Hypothesis, observation: Observation) -> Verdicts:
        right = self._right(observation)
        explained = hypothesis.agreement(self.subject, observation)
        excused = self._excused(hypothesis, observation, right)
        return Verdicts(
            observation,
            [a | b for a, b in zip(right, excused)],
            [a | b for a, b in zip(explained, excused)],
        )

    def _right(self, observation: Observation) -> list[Mask]:
        """Elements that keep to the convention; looked at once for each run."""
        kept = self.judged.get(id(observation))
        if kept is None:
            kept = observation, self.own.agreement(self.subject, observation)
            self.judged[id(observation)] = kept
        return kept[1]

    def _excused(
        self, hypothesis: Hypothesis, observation: Observation, right: Sequence[Mask]
    ) -> list[Mask]:
        """Wrong elements that a cause explains which was found before, and this one leaves alone.

        Where a hypothesis takes a step other than the convention's, it must explain it itself.
        """
        excused = [np.zeros_like(r) for r in right]
        known = [s.hypothesis for s in self.found if isinstance(s.hypothesis, Hypothesis)]
        if not known or all(r.all() for r in right):
            return excused
        pairs = zip(hypothesis.replayed(observation), self.own.replayed(observation))
        idle = [np.ones_like(r) for r in right]
        for row, plain in pairs:
            idle = [i & (a == b).ravel() for i, a, b in zip(idle, row, plain)]
        for one in known:
            also = one.agreement(self.subject, observation)
            excused = [e | (a & i & ~r) for e, a, i, r in zip(excused, also, idle, right)]
        return excused

    def _beside(self, observation: Observation) -> Iterator[Suspect[Any]]:
        yield from coarser(self.subject, self.convention, observation.problem.dtype)
        worst = max(float(np.max(r, initial=0)) for r in self.own.ratios(self.subject, observation))
        if worst > CLEAR:
            yield from simulated(self.convention, observation.problem)

    def _place(
        self, context: Context, chosen: Sequence[Observation], other: Sequence[Observation]
    ) -> Suspect[Any] | None:
        """Which elements are wrong, where it is not all of them, and how they are is unknown."""
        own = partial(self._verdicts, self.own)
        seen = [own(o) for o in chosen]
        blind = [v._replace(explained=[np.ones_like(x) for x in v.right]) for v in seen]
        trial = [*seen, *map(own, other)]
        for scope in fitting(blind):
            sides = {
                bool(x)
                for v in trial
                for i, right in enumerate(v.right)
                for x in np.unique(np.broadcast_to(scope.inside(v.observation, i), right.shape))
            }
            if len(sides) < 2:
                continue  # it says nothing of these runs
            exact = all(
                np.array_equal(~right, np.broadcast_to(scope.inside(v.observation, i), right.shape))
                for v in chain(trial, map(own, self.trials.around(context, scope)))
                for i, right in enumerate(v.right)
            )
            if exact:
                words = f"{scope.words}: wrong, all others right"
                words = f"{context.words}, {words}" if context.words else words
                return Suspect("place", words, self.own)
        return None

    def _fails_on(self, problem: Problem) -> bool:
        observation = self.trials.observed(problem)
        return observation is not None and self._fails(observation) is not None

    def _fails(self, observation: Observation) -> int | None:
        """The first step at which the convention does not hold."""
        if not any(w.any() for w in self._wrong(observation)):
            return None
        low, high = 1, observation.problem.steps
        while low < high:
            middle = (low + high) // 2
            if any(w.any() for w in self._wrong(cut(observation, middle))):
                high = middle
            else:
                low = middle + 1
        return low

    def _wrong(self, observation: Observation) -> list[Mask]:
        return [~ok for ok in self._right(observation)]

    def _when(self, observation: Observation) -> str:
        """From which step on, after which change, and in which dtypes only."""
        problem = observation.problem
        step = self._fails(observation) or 1
        words = f"from step {step} on"
        if step > 1:
            now, before = problem.hypers[step - 1], problem.hypers[step - 2]
            changes = [
                f"{name} changed from {float(a):g} to {float(b):g}"
                for g, h in enumerate(now)
                for name, a, b in zip(h._fields, before[g], h)
                if a != b
            ]
            steady = [(row,) * max(6, problem.steps) for row in (problem.hypers[0], now)]
            if changes and not any(self._fails_on(replace(problem, hypers=h)) for h in steady):
                words += f", when {' and '.join(dict.fromkeys(changes))}"
        digits = {d: FORMATS[d].precision for d in self.subject.facts.dtypes}
        right = [d for d in digits if d != problem.dtype and self._right_in(problem, d)]
        # In a coarser format the same error may hide in the rounding: that says nothing.
        if any(digits[d] > digits[problem.dtype] for d in right):
            words = f"only in {' and '.join(d for d in digits if d not in right)}, {words}"
        return words

    def _right_in(self, problem: Problem, dtype: str) -> bool:
        observation = self.trials.observed(replace(problem, dtype=dtype))
        return observation is not None and self._fails(observation) is None


def explain(result: Result, subject: Subject, convention: Convention) -> str:
    """Why a check failed, in words; empty where no cause is certain."""
    return Explainer(subject, convention).explain(result)
