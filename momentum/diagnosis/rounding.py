"""Errors of a format coarser than the one that is claimed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from momentum.arithmetic import FORMATS
from momentum.conventions import Convention
from momentum.diagnosis.estimate import COORDINATES, setting
from momentum.diagnosis.hypotheses import Array, Hypothesis, Suspect
from momentum.diagnosis.probes import tried
from momentum.subjects.observation import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

WORDS = "its errors are those of {}: something is computed or kept in it"
SIGMAS = 5
"""Standard deviations by which sums of errors without a common sign stay off 0: beyond them is a
chance of one in a million."""


@dataclass(frozen=True)
class Coarser:
    """A hypothesis, computed in a coarser format than the parameters are kept in."""

    hypothesis: Hypothesis
    dtype: str

    def speaks(self, subject: Subject, observation: Observation) -> bool:
        """Rounding is everywhere."""
        return True

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """Errors stay within the coarser format's bound; numbers that fit it have none."""
        problem = observation.problem
        if problem.kind == "dyadic":
            start = replace(observation, problem=problem.cut(1), fed=observation.fed[:1],
                            iterates=observation.iterates[:1])  # fmt: skip
            if not self.hypothesis.holds(subject, start):
                return False
        elif not self.shows(observation):
            return False
        return self.hypothesis.holds(subject, observation, self.dtype)

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


def systematic(hypothesis: Hypothesis, observation: Observation) -> bool:
    """Errors lean towards the step, the parameter or the gradient: no rounding does.

    Rounding to nearest has no common sign over many coordinates; errors of one coordinate at
    several steps are summed first, as they are not independent.
    """
    rows = hypothesis.replayed(observation)
    before: Array = observation.problem.start[0]
    scores: dict[str, Array] = {}
    for got, wanted, fed in zip(observation.iterates, rows, observation.fed):
        if fed[0] is None:
            continue
        error = got[0] - wanted[0]
        along = {"step": wanted[0] - before, "parameter": before, "gradient": fed[0]}
        for name, direction in along.items():
            scores[name] = scores.get(name, 0.0) + error * direction
        before = wanted[0]
    return any(
        abs(float(np.sum(s))) > SIGMAS * float(np.sqrt(np.sum(s * s))) for s in scores.values()
    )


def looks_rounded(subject: Subject, hypothesis: Hypothesis, dtype: str) -> bool:
    """Errors of a run of many coordinates lean nowhere."""
    h = setting(subject.facts, hypothesis.base.knows)
    size = min(COORDINATES, subject.facts.largest)
    observation = tried(subject, Problem(dtype, ((size,),), ((h,),) * 6, (0,), "normal", seed=17))
    return not isinstance(observation, str) and not systematic(hypothesis, observation)


def coarser(subject: Subject, convention: Convention, dtype: str) -> Iterator[Suspect[Coarser]]:
    """The convention in formats below the one that is claimed, where errors look like rounding."""
    own = Hypothesis.of(convention)
    if looks_rounded(subject, own, dtype):
        for name in below(dtype):
            yield Suspect(f"computed_in_{name}", WORDS.format(name), Coarser(own, name))


def below(dtype: str) -> list[str]:
    """Formats of fewer digits."""
    order = ("float32", "float16", "bfloat16")
    return [n for n in order if FORMATS[n].precision < FORMATS[dtype].precision]
