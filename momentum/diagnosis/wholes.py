"""Causes that are about the subject as a whole: its precision, and what it is by its behaviour."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from momentum.arithmetic import FORMATS
from momentum.conventions import CONVENTIONS, Convention
from momentum.diagnosis.hypotheses import Hypothesis
from momentum.diagnosis.identify import identify
from momentum.diagnosis.suspects import Suspect
from momentum.subjects.observation import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

WORDS = "its errors are those of {}: something is computed or kept in it"


@dataclass(frozen=True)
class Coarser:
    """A hypothesis, computed in a coarser format than the parameters are kept in."""

    hypothesis: Hypothesis
    dtype: str

    def distance(self, observation: Observation) -> float:
        """That of the hypothesis itself."""
        return self.hypothesis.distance(observation)

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """Errors stay within the coarser format's bound; numbers that fit it have none."""
        problem = observation.problem
        if problem.kind == "dyadic":
            start = replace(observation, problem=problem.cut(1), fed=observation.fed[:1],
                            iterates=observation.iterates[:1])  # fmt: skip
            if any(m.ratio > 1 for m in self.hypothesis.judged(subject, start)):
                return False
        elif not self.shows(observation):
            return False
        told = replace(observation, problem=_in(problem, self.dtype))
        return all(m.ratio <= 1 for m in self.hypothesis.judged(subject, told))

    def shows(self, observation: Observation) -> bool:
        """The usual error of a step is not far below one rounding of the step in that format.

        A sixteenth is a heuristic: roundings are uniform, and several of them add up.
        """
        rows = self.hypothesis.replayed(observation)
        unit = FORMATS[self.dtype].u
        ratios = []
        before = observation.problem.start
        for got, wanted in zip(observation.iterates, rows):
            for x, y, old in zip(got, wanted, before):
                with np.errstate(all="ignore"):
                    ratios.append(np.ravel(np.abs(x - y) / (unit * np.abs(y - old))))
            before = list(wanted)
        known = np.concatenate(ratios)
        known = known[np.isfinite(known)]
        return bool(known.size and np.median(known) > 1 / 16)


def _in(problem: Problem, dtype: str) -> Problem:
    """The same numbers, to be judged in another format."""
    told = replace(problem, dtype=dtype)
    told.__dict__["start"] = problem.start  # not drawn anew: these are what the subject got
    return told


def coarser(convention: Convention, dtype: str) -> Iterator[Suspect]:
    """The convention in formats below the one that is claimed."""
    for name in ("float32", "float16", "bfloat16"):
        if FORMATS[name].precision < FORMATS[dtype].precision:
            found = Coarser(Hypothesis.of(convention), name)
            yield Suspect(f"computed_in_{name}", WORDS.format(name), found)


def identified(subject: Subject, dtype: str, own: Convention) -> Iterator[Suspect]:
    """What the subject is by its own behaviour, in short probes, with all its departures."""
    found = identify(subject, estimates=False, also=() if own.name in CONVENTIONS else (own,))
    if not found.matches:
        return
    best = found.hypothesis
    words = f"behaves as {best.base.full_name} ({best.base.words or best.base.name})"
    if best.words:
        words += f", but {'; '.join(best.words)}"
    yield Suspect("identified", words, best)
    for name in ("float32", "float16", "bfloat16"):
        if FORMATS[name].precision < FORMATS[dtype].precision:
            both = f"{words}; and {WORDS.format(name)}"
            yield Suspect("identified_coarser", both, Coarser(best, name))
