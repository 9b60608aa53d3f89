"""Why checks fail: one search over all failing runs, for what explains them.

A cause is accepted only where it explains, within the error bound, runs that it was not chosen by:
the same setting with other numbers, other shapes, and short runs in every other setting, in which
an optimizer with that cause must stay within its bound too, where the convention is kept and where
it is not; and where no failing run contradicts it that it has something to say of. No cause is
better than a false one.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

import numpy as np

from momentum.checks import CHECKS
from momentum.checks.result import ITSELF, Result
from momentum.conventions import Convention
from momentum.diagnosis.context import Context, minimal, plainly_judged, plainness
from momentum.diagnosis.feeding import UNTIL_SET
from momentum.diagnosis.hypothesis import Explanation, Hypothesis, Mask, Scope, Suspect
from momentum.diagnosis.interrupted import STEPS, WAYS, lengthened, losses, otherwise, set_in
from momentum.diagnosis.kept import Kept
from momentum.diagnosis.likely import likely, measured
from momentum.diagnosis.place import places
from momentum.diagnosis.probes import taken
from momentum.diagnosis.rounding import coarser, cut_off
from momentum.diagnosis.scopes import OTHERS, SHAPES, Verdicts, fitting
from momentum.diagnosis.simulated import simulated
from momentum.diagnosis.suspects import named_in, pairs, suspects
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

SECONDS = 20.0
"""Of this process's own time that a search may take: a busy machine changes no cause."""

VAIN = 3
"""Searches without a result after which none is made."""
ENDED = f"a search for one ended after {SECONDS:.0f} s: there may be one that it did not come to"
GIVEN_UP = f"after {VAIN} searches without a result no further one was made"
SCOPES = 12
"""Scopes that part all runs at hand, and are tried on others."""

Groups = Iterable[Iterable[Suspect[Hypothesis]]]
Suspects = Callable[[Convention], Iterable[Suspect[Hypothesis]]]


class Explainer:
    """Explains the failures of one subject, and remembers the causes that it found.

    suspects: all that may be wrong, in place of everything that is known to go wrong. unexplained:
    why a search for a cause was not made to the end.
    """

    def __init__(
        self, subject: Subject, convention: Convention, suspects: Suspects | None = None
    ) -> None:
        self.subject, self.convention, self.suspects = subject, convention, suspects
        self.own = Hypothesis.of(convention)
        self.names = taken(subject.facts) & convention.knows | {"lr"}
        self.until = 0.0
        self.unexplained = ""
        self.found: list[Suspect[Explanation]] = []
        self.vain, self.refuted = 0, Counter[int]()
        self.runs: Mapping[str, Observation] = {}
        self.kept = Kept(subject, convention)
        self.trials = self.kept.trials

    def explain(
        self,
        results: Iterable[Result],
        note: Callable[[str], None] = lambda problem: None,
        avoided: frozenset[str] = frozenset(),
    ) -> dict[str, str]:
        """By id the causes of failures in words, the plainest first; none where none is certain.

        A result whose problem is no failure by itself has one where the run that its check saves
        or copies goes on wrongly, or steps in another way; else it is its check's sentence ITSELF.
        note: is told each problem before it is tried, should it be the last. avoided: problems
        that are not tried.
        """
        self.trials.note, self.trials.avoided = note, avoided
        failed = [r for r in results if r.verdict == "failed" and not r.surprise and r.problem]
        told = self._explained_runs(failed)
        for way in (*WAYS, *STEPS) if self.suspects is None else ():
            rest = [r for r in failed if r.id not in self.runs and way in CHECKS[r.check].needs]
            if rest:
                subject, words = otherwise(self.subject, way)
                lost = partial(losses, way) if way in WAYS else suspects
                inner = Explainer(subject, self.convention, lost)
                rest = [replace(r, problem=lengthened(r.problem)) for r in rest]
                found = inner.explain(rest, note, avoided)
                self.unexplained = self.unexplained or inner.unexplained
                told |= {i: set_in(text, words, way) for i, text in found.items() if text != ITSELF}
        return dict.fromkeys(self.kept.held, ITSELF) | told

    def _explained_runs(self, failed: Sequence[Result]) -> dict[str, str]:
        """Causes of those whose problem is a failure by itself."""
        self.runs = self.kept.failing(failed)
        order = sorted(self.runs, key=lambda i: plainness(self.runs[i].problem))
        told = {i: self._told(self.runs[i]) for i in order}
        return {i: text for i, text in told.items() if text}

    def cause(self, problem: Problem) -> str:
        """The cause of a failure on a problem, in words, empty where none is certain."""
        observation = self.trials.observed(problem)
        if observation is None or self.kept.fails(observation) is None:
            return ""
        self.runs = {"": observation}
        return self._told(observation)

    def _told(self, observation: Observation) -> str:
        found = self._cause(observation)
        return f"{self.kept.when(observation)}: {found.words}" if found else ""

    def _cause(self, observation: Observation) -> Suspect[Explanation] | None:
        for known in self.found:
            one = known.hypothesis
            if one.holds(self.subject, observation) and self._tells(one, observation):
                return known
        if self.vain >= VAIN:
            self.unexplained = self.unexplained or GIVEN_UP
            return None
        self.until = time.process_time() + SECONDS
        self.kept.judged.clear()
        self.refuted.clear()
        told = (s for s in self._accepted(observation) if self._tells(s.hypothesis, observation))
        found = next((s for s in told if not self._contradicted(s)), None)
        self.vain += found is None
        if found is None and time.process_time() > self.until:
            self.unexplained = ENDED
        self.found += [] if found is None else [found]
        return found

    def _accepted(self, observation: Observation) -> Iterator[Suspect[Explanation]]:
        """Causes that hold in the run, in others like it and in every other setting."""
        context = minimal(observation.problem, self.kept.fails_on, self.kept.error)
        if (least := self.trials.observed(context.problem)) is None:
            return
        trials, populated = self.trials, self.trials.populated(observation.problem)
        probed = (*trials.edge(context), *trials.changing(context), *populated)
        chosen = [least, observation, *self.trials.varied(context, SHAPES, 1), *probed]
        other = self.trials.varied(context, OTHERS, 2)
        held = self.trials.battery(observation.problem.dtype)

        def tried(groups: Groups) -> Iterator[Suspect[Explanation]]:
            near = (s for group in groups for s in self._near(least, group))
            found = (self._scoped(s, context, [*chosen, *held], other) for s in near)
            return (s for s in found if s is not None)

        seen = [self._verdicts(self.own, o) for o in chosen]
        yield from tried([] if self.suspects is None else [self.suspects(self.convention)])
        if self.suspects is None:
            twice = tuple((2 * int(np.prod(s, dtype=int)),) for s in context.problem.shapes)
            runs = (*chosen, *other, *held, *self.trials.varied(context, twice, 4))
            clear = self.kept.clear([least, *self.runs.values()])
            yield from tried(likely(self.kept, least, clear))
            twins = self._held(simulated(self.convention, least) if clear else (), runs)
            yield from twins if context.apart else ()
            yield from tried(measured(self.kept, least, self.names, clear))
            yield from twins
            dtype = observation.problem.dtype
            rounded = coarser(self.subject, self.convention, dtype, seen)
            sliced = cut_off(self.subject, self.convention, dtype)
            yield from self._held(chain[Suspect[Explanation]](rounded, sliced), runs)
            yield from tried([pairs(self.convention)])
        yield from places(self.kept, context, seen, [*chosen, *other, *held])

    def _tells(self, told: Explanation, observation: Observation) -> bool:
        """It goes elsewhere than the convention where the run is wrong, if no known cause does."""
        if not isinstance(told, Hypothesis):
            return told.speaks(self.subject, observation)
        right, moved = self.kept.right(observation), self.kept.moved(told, observation)
        excused = self._excused(told, observation, right)
        return all(np.all(r | m | e) for r, m, e in zip(right, moved, excused))

    def _contradicted(self, suspect: Suspect[Explanation]) -> bool:
        """A failing run of which it has something to say, and that it does not explain."""
        told, subject = suspect.hypothesis, self.subject
        runs = [o for o in self.runs.values() if plainly_judged(o.problem)]
        if not isinstance(told, Hypothesis):
            return any(told.speaks(subject, o) and not told.holds(subject, o) for o in runs)
        for observation in runs:
            v = self._verdicts(told, observation)
            moved = told.moved(observation)
            for right, explained, speaks in zip(v.right, v.explained, moved):
                if not np.all(explained | ~(speaks | right)):
                    return True
        return False

    def _near(
        self, least: Observation, group: Iterable[Suspect[Hypothesis]]
    ) -> Iterator[Suspect[Hypothesis]]:
        """Those that move all wrong elements of the smallest failing run, and near to it."""
        bounds = self.kept.reach(least)
        wrong = [~ok for ok in self.kept.right(least)]
        for suspect in group:
            if time.process_time() > self.until:
                return
            if not named_in(suspect.words) <= self.names:
                continue  # it speaks of a hyper-parameter that the subject lacks
            gaps = suspect.hypothesis.gaps(least)
            if all(np.all(g[w] <= b[w]) for g, w, b in zip(gaps, wrong, bounds)):
                explained = suspect.hypothesis.agreement(self.subject, least)
                apart = self.kept.moved(replace(suspect.hypothesis, base=self.convention), least)
                if all(np.all((e & m)[w]) for e, m, w in zip(explained, apart, wrong)):
                    yield suspect

    def _scoped(
        self,
        suspect: Suspect[Hypothesis],
        context: Context,
        chosen: Sequence[Observation],
        other: Sequence[Observation],
    ) -> Suspect[Explanation] | None:
        """The suspect, where it holds in all these runs."""
        wider: list[tuple[Scope, ...]] = [] if context.problem.options else [()]
        for scopes in dict.fromkeys([*wider, context.scopes]):
            told = replace(suspect.hypothesis, base=self.convention).within(*scopes)
            words = [context.words] if scopes else []
            if (seen := self._explained(told, chosen)) is None:
                continue  # it is wrong there, and this does not say why
            for scope in islice(fitting(seen), SCOPES):
                if time.process_time() > self.until:
                    return None
                kept = told.within(scope) if scope.words else told
                turned = self.trials.turned(context) if suspect.words.endswith(UNTIL_SET) else ()
                tried = chain(other, self.trials.around(context, scope), turned)
                if all(x.all() for o in tried for x in self._verdicts(kept, o).explained):
                    found = [w for w in (*words, scope.words) if w]
                    text = f"{', '.join(found)}: {suspect.words}" if found else suspect.words
                    return Suspect(text, kept)
        return None

    def _explained(self, told: Hypothesis, runs: Sequence[Observation]) -> list[Verdicts] | None:
        """What these runs say of it; None where one is wrong and it does not say why.

        What has refuted suspects, and costs little, is likely to refute the next one as well.
        """

        def order(o: Observation) -> float:
            return -self.refuted[id(o)] / (o.problem.steps * len(o.problem.shapes))

        seen = []
        for observation in sorted(runs, key=order):
            v = self._verdicts(told, observation)
            if not all((r | e).all() for r, e in zip(v.right, v.explained)):
                self.refuted[id(observation)] += 1
                return None
            seen.append(v)
        return seen

    def _verdicts(self, hypothesis: Hypothesis, observation: Observation) -> Verdicts:
        right = self.kept.right(observation)
        explained = hypothesis.agreement(self.subject, observation)
        if all(r.all() and e.all() for r, e in zip(right, explained)):
            return Verdicts(observation, right, explained)
        excused = self._excused(hypothesis, observation, right)
        return Verdicts(
            observation,
            [a | b for a, b in zip(right, excused)],
            [a | b for a, b in zip(explained, excused)],
        )

    def _excused(
        self, hypothesis: Hypothesis, observation: Observation, right: Sequence[Mask]
    ) -> list[Mask]:
        """Elements of which it says nothing: it has no formula there, or it leaves them alone, and
        a cause explains them that was found before.

        Where a hypothesis takes a step other than the convention's, it must explain it itself.
        """
        excused = hypothesis.silent(observation)
        known = [s.hypothesis for s in self.found if isinstance(s.hypothesis, Hypothesis)]
        if not known or all(r.all() for r in right):
            return excused
        idle = [~m for m in hypothesis.moved(observation)]
        for one in known:
            by = zip(one.agreement(self.subject, observation), one.moved(observation), idle, right)
            excused = [e | (a & m & i & ~r) for e, (a, m, i, r) in zip(excused, by)]
        return excused

    def _held(
        self, suspects: Iterable[Suspect[Explanation]], runs: Sequence[Observation]
    ) -> Iterator[Suspect[Explanation]]:
        """Those that hold in all these runs."""
        for suspect in suspects:
            if time.process_time() > self.until:
                return
            if all(suspect.hypothesis.holds(self.subject, o) for o in runs):
                yield suspect


def explain(result: Result, subject: Subject, convention: Convention) -> str:
    """Why a check failed, in words; empty where no cause is certain."""
    return Explainer(subject, convention).explain([result]).get(result.id, "")
