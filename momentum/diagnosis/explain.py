"""Why a check fails: the failing run is held against everything that is known to go wrong.

A cause is accepted only where it explains, within the error bound, runs that it was not chosen by:
the same setting with other numbers, and short runs in every other setting, in which an optimizer
with that cause must stay within its bound too, where the convention is kept and where it is not.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from momentum.arithmetic import FORMATS
from momentum.checks.result import Result
from momentum.conventions import Convention
from momentum.diagnosis import patterns
from momentum.diagnosis.deciding import accepted
from momentum.diagnosis.families import fitted
from momentum.diagnosis.hypotheses import Hypothesis
from momentum.diagnosis.probes import probes
from momentum.diagnosis.simulated import simulated
from momentum.diagnosis.suspects import Suspect, pairs, suspects
from momentum.diagnosis.wholes import coarser, identified
from momentum.subjects.observation import Observation, judge, observe
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

ORACLE = ("trajectory", "step")
"""Comparisons that have a wrong number as their cause."""

SECONDS = 4.0
"""That a search may take."""

SECONDS_A_STEP = 0.03
"""More, for a long run."""

CHUNK = 64
"""Suspects that are tried between two looks at the clock."""

VAIN = 2
"""Searches without a result after which none is made."""

CLEAR = 3
"""A run beside the subject is within two bounds of it; so where the subject is further than three
from the convention, that run is beyond its bound too, and wrong."""

PLAIN = ("normal", "from_zero", "dyadic", "impulse", "constant", "still", "quadratic", "wide")


class Explainer:
    """Explains the failures of one subject, and remembers the causes that it found."""

    def __init__(self, subject: Subject, convention: Convention) -> None:
        self.subject, self.convention = subject, convention
        self.own = Hypothesis.of(convention)
        self.until = 0.0
        self.found: list[Suspect] = []
        self.vain = 0
        self.seen: dict[str, list[Observation]] = {}
        self.patterns: dict[str, patterns.Part | None] = {}

    def explain(self, result: Result) -> str:
        """The cause of a failure in words, empty where none is certain."""
        if result.verdict != "failed" or result.how not in ORACLE or not result.problem:
            return ""
        problem = Problem.from_text(result.problem)
        if problem.kind not in PLAIN:
            problem = replace(problem, kind="normal")
        try:
            return self.cause(problem)
        except Exception:  # what a foreign optimizer raises is a result of its check, not of this
            return ""

    def cause(self, problem: Problem) -> str:
        """The cause of a failure on a problem, in words, empty where none is certain.

        Raises: whatever the subject raises.
        """
        observation = observe(self.subject, problem)
        if self._fails(observation) is None:
            return ""  # the check did more than step, and that is what goes wrong
        part = self._part(problem)
        if part is None or not part.within:
            cause = self._cause(observation)
            if cause is not None:
                return f"{self._scope(observation)}: {cause.words}"
        return f"{self._scope(observation)}: {part.words}" if part is not None else ""

    def _cause(self, observation: Observation) -> Suspect | None:
        problem = observation.problem
        for known in self.found:
            if known.hypothesis.holds(self.subject, observation):
                return known
        if self.vain >= VAIN:
            return None
        self.until = time.monotonic() + SECONDS + problem.steps * SECONDS_A_STEP
        fitting, held_out = self._more(problem)
        runs = sorted([observation, *fitting], key=_size)
        groups = (
            lambda: suspects(self.convention),
            lambda: identified(self.subject, problem.dtype, self.convention),
            lambda: fitted(self.subject, self.convention, problem.dtype),
            lambda: pairs(self.convention),
        )
        for group in groups:
            for suspect in self._matching(runs, list(group())):
                if self._stands(suspect, held_out):
                    self.found.append(suspect)
                    return suspect
        for suspect in coarser(self.convention, problem.dtype):
            if self._stands(suspect, [*runs, *held_out]):
                self.found.append(suspect)
                return suspect
        if self._ratio(observation) > CLEAR:
            beside = list(simulated(self.convention, problem))
            left = [s for s in self._matching(runs, beside) if self._stands(s, held_out)]
            if left:
                # They agree on everything that was tried, and need not elsewhere.
                words = "; or ".join(dict.fromkeys(s.words for s in left))
                self.found.append(left[0]._replace(words=words))
                return self.found[-1]
        self.vain += 1
        return None

    def _matching(
        self, observations: Sequence[Observation], group: Sequence[Suspect]
    ) -> list[Suspect]:
        """Those that hold on all of these runs."""
        left = list(group)
        for observation in observations:
            kept: list[Suspect] = []
            for first in range(0, len(left), CHUNK):
                if time.monotonic() > self.until:
                    return []
                able = [s for s in left[first : first + CHUNK] if _runs(s, observation)]
                verdicts = accepted(self.subject, observation, [s.hypothesis for s in able])
                kept += [s for s, ok in zip(able, verdicts) if ok]
            left = kept
        return left

    def _stands(self, suspect: Suspect, held_out: Sequence[Observation]) -> bool:
        return all(
            _runs(suspect, o) and suspect.hypothesis.holds(self.subject, o) for o in held_out
        )

    def _more(self, problem: Problem) -> tuple[list[Observation], list[Observation]]:
        """Runs to choose by, and runs to try the choice on."""
        longer = (*problem.hypers, *[problem.hypers[-1]] * max(0, 6 - problem.steps))
        wider = replace(problem, hypers=longer, kind="normal")
        chosen = [observe(self.subject, replace(wider, seed=problem.seed + 1))]
        facts, groups = self.subject.facts, len(problem.hypers[0])
        more = [s for s in ((3, 5), (), (33,), (2, 3, 4)) if facts.scalars or s]
        if not problem.options:
            wider = replace(
                wider,
                shapes=(*problem.shapes, *more),
                groups=(*problem.groups, *(i % groups for i in range(len(more)))),
            )
        other = [observe(self.subject, replace(wider, seed=problem.seed + 2))]
        if facts.none_gradients and len(wider.shapes) > 1:
            count = len(wider.shapes)
            gaps = frozenset((t, t % count) for t in range(wider.steps))
            some = replace(wider, seed=problem.seed + 3, missing=gaps)
            other.append(observe(self.subject, some))
        battery = self._battery(problem.dtype)
        return [*chosen, *battery[::2]], [*other, *battery[1::2]]

    def _battery(self, dtype: str) -> list[Observation]:
        """Short runs in every setting that both subject and convention know."""
        if dtype not in self.seen:
            facts = self.subject.facts
            known = self.convention.knows
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

    def _part(self, problem: Problem) -> patterns.Part | None:
        key = f"{problem.dtype} {problem.hypers[0][0]}"
        if key not in self.patterns:
            self.patterns[key] = patterns.part(self.subject, self.convention, problem)
        return self.patterns[key]

    def _fails(self, observation: Observation) -> int | None:
        """The first step that the convention does not explain, from 1."""
        judged = judge(self.subject, observation, self.convention)
        return min((m.step for m in judged if m.ratio > 1), default=None)

    def _ratio(self, observation: Observation) -> float:
        return max(m.ratio for m in judge(self.subject, observation, self.convention))

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
        digits = {d: FORMATS[d].precision for d in self.subject.facts.dtypes}
        right = [d for d in digits if d != problem.dtype and self._fails_in(problem, d) is None]
        # In a coarser format the same error may hide in the rounding: that says nothing.
        if any(digits[d] > digits[problem.dtype] for d in right):
            words = f"only in {' and '.join(d for d in digits if d not in right)}, {words}"
        return words

    def _fails_unchanged(self, problem: Problem) -> bool:
        """It fails without any change of hyper-parameters too."""
        same = replace(problem, hypers=problem.hypers[:1] * max(6, problem.steps))
        return self._fails(observe(self.subject, same)) is not None

    def _fails_in(self, problem: Problem, dtype: str) -> int | None:
        return self._fails(observe(self.subject, replace(problem, dtype=dtype)))


def _size(observation: Observation) -> int:
    return observation.problem.steps


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
