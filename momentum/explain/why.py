"""Why a check fails: the failing run is held against everything that is known to go wrong.

A cause is accepted only where it explains, within the error bound, runs that it was not chosen by:
the same setting with other numbers, and short runs in every other setting, in which an optimizer
with that cause must stay within its bound too, where the convention is kept and where it is not.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from momentum.conventions import Convention
from momentum.explain import parts
from momentum.explain.families import fitted
from momentum.explain.suspects import Suspect, pairs, suspects
from momentum.identify.deciding import accepted
from momentum.identify.hypothesis import Hypothesis
from momentum.identify.probes import probes
from momentum.observation import Observation, judge, observe
from momentum.problems import Problem
from momentum.results import Result
from momentum.subject import Subject

ORACLE = ("trajectory", "step")
"""Comparisons that have a wrong number as their cause."""

VAIN = 3
"""Searches without a result after which none is made in a dtype."""

PLAIN = ("normal", "from_zero", "dyadic", "impulse", "constant", "still", "quadratic", "wide")


class Explainer:
    """Explains the failures of one subject, and remembers the causes that it found."""

    def __init__(self, subject: Subject, convention: Convention) -> None:
        self.subject, self.convention = subject, convention
        self.own = Hypothesis.of(convention)
        self.found: list[Suspect] = []
        self.vain: dict[str, int] = {}
        self.seen: dict[str, list[Observation]] = {}
        self.parts: dict[str, parts.Part | None] = {}

    def explain(self, result: Result) -> str:
        """The cause of a failure in words, empty where none is certain."""
        if result.verdict != "failed" or result.how not in ORACLE or not result.problem:
            return ""
        problem = Problem.from_text(result.problem)
        if problem.kind not in PLAIN:
            return ""
        try:
            return self._explained(problem)
        except Exception:  # what a foreign optimizer raises is a result of its check, not of this
            return ""

    def _explained(self, problem: Problem) -> str:
        observation = observe(self.subject, problem)
        if self._fails(observation) is None:
            return ""  # the check did more than step, and that is what goes wrong
        cause = self._cause(observation)
        if cause is not None:
            return f"{self._scope(observation)}: {cause.words}"
        part = self._part(problem)
        if part is not None:
            what = "do not move" if part.still else "are wrong, all others right"
            return f"{self._scope(observation)}: {part.words} {what}"
        return ""

    def _cause(self, observation: Observation) -> Suspect | None:
        problem = observation.problem
        for known in self.found:
            if known.hypothesis.holds(self.subject, observation):
                return known
        if self.vain.get(problem.dtype, 0) >= VAIN:
            return None
        fitting, held_out = self._more(problem)
        for group in (self._suspects, self._fitted(problem.dtype), self._pairs):
            for suspect in self._matching([observation, *fitting], group):
                if self._stands(suspect, held_out):
                    self.found.append(suspect)
                    return suspect
        self.vain[problem.dtype] = self.vain.get(problem.dtype, 0) + 1
        return None

    def _matching(
        self, observations: Sequence[Observation], group: Sequence[Suspect]
    ) -> list[Suspect]:
        """Those that hold on all of these runs."""
        left = list(group)
        for observation in observations:
            able = [s for s in left if _runs(s, observation)]
            verdicts = accepted(self.subject, observation, [s.hypothesis for s in able])
            left = [s for s, ok in zip(able, verdicts) if ok]
        return left

    def _stands(self, suspect: Suspect, held_out: Sequence[Observation]) -> bool:
        return all(
            _runs(suspect, o) and suspect.hypothesis.holds(self.subject, o) for o in held_out
        )

    def _more(self, problem: Problem) -> tuple[list[Observation], list[Observation]]:
        """Runs to choose by, and runs to try the choice on."""
        longer = (*problem.hypers, *[problem.hypers[-1]] * max(0, 6 - problem.steps))
        wider = replace(problem, hypers=longer, kind="normal", missing=frozenset())
        chosen = [observe(self.subject, replace(wider, seed=problem.seed + 1))]
        other = [observe(self.subject, replace(wider, seed=problem.seed + 2))]
        battery = self._battery(problem.dtype)
        return [*chosen, *battery[::2]], [*other, *battery[1::2]]

    def _battery(self, dtype: str) -> list[Observation]:
        """Short runs in every setting that both subject and convention know."""
        if dtype not in self.seen:
            facts = self.subject.facts
            known = self.convention.takes | {"lr", "weight_decay", "maximize"}
            kept = replace(facts, hyper=facts.hyper & known, settable=facts.settable & known)
            runs = []
            for probe in probes(kept, dtype):
                for seed in (31, 32):
                    try:
                        runs.append(observe(self.subject, replace(probe.problem, seed=seed)))
                    except Exception:  # refused: another check tells
                        break
            self.seen[dtype] = runs
        return self.seen[dtype]

    @cached_property
    def _suspects(self) -> list[Suspect]:
        return suspects(self.convention)

    @cached_property
    def _pairs(self) -> list[Suspect]:
        return pairs(self.convention)

    def _fitted(self, dtype: str) -> list[Suspect]:
        return list(fitted(self.subject, self.convention, dtype))

    def _part(self, problem: Problem) -> parts.Part | None:
        key = f"{problem.dtype} {problem.hypers[0][0]}"
        if key not in self.parts:
            self.parts[key] = parts.part(self.subject, self.convention, problem)
        return self.parts[key]

    def _fails(self, observation: Observation) -> int | None:
        """The first step that the convention does not explain, from 1."""
        judged = judge(self.subject, observation, self.convention)
        return min((m.step for m in judged if m.ratio > 1), default=None)

    def _scope(self, observation: Observation) -> str:
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
            if changes and not self._fails_unchanged(problem):
                words += f", when {' and '.join(dict.fromkeys(changes))}"
        others = [d for d in self.subject.facts.dtypes if d != problem.dtype]
        right = [d for d in others if self._fails_in(problem, d) is None]
        if others and right == others:
            words = f"only in {problem.dtype}, {words}"
        return words

    def _fails_unchanged(self, problem: Problem) -> bool:
        """It fails without any change of hyper-parameters too."""
        same = replace(problem, hypers=problem.hypers[:1] * max(6, problem.steps))
        return self._fails(observe(self.subject, same)) is not None

    def _fails_in(self, problem: Problem, dtype: str) -> int | None:
        return self._fails(observe(self.subject, replace(problem, dtype=dtype)))


def _runs(suspect: Suspect, observation: Observation) -> bool:
    """The suspect's rule can be replayed at all."""
    try:
        suspect.hypothesis.distance(observation)
    except Exception:  # a wrong rule of the gallery that only its own arithmetic can run
        return False
    return True


def explain(result: Result, subject: Subject, convention: Convention) -> str:
    """Why a check failed, in words; empty where no cause is certain."""
    return Explainer(subject, convention).explain(result)
