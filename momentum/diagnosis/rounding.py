"""Errors of a format coarser than the one that is claimed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from momentum.arithmetic import FORMATS
from momentum.conventions import Convention
from momentum.conventions.hyper import NUMBERS
from momentum.diagnosis.estimate import COORDINATES, setting, wide_run
from momentum.diagnosis.hypothesis import CLEAR, Array, Hypothesis, Mask, Scope, Suspect
from momentum.diagnosis.numbers import held
from momentum.diagnosis.scopes import EVERYWHERE, Verdicts, fitting
from momentum.diagnosis.trials import cut
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Subject

WORDS = "its errors are those of {}: something is computed or kept in it"
PLACES = 4
"""Conditions on parameters that are tried."""

FEW = 16
"""Elements below which half may have next to no error by chance."""

BEYOND = 2.0**8
"""Times its numbers that a velocity, or what a step goes through, may be: a heuristic."""

SIGMAS = 5
"""Standard deviations by which sums of errors without a common sign stay off 0: beyond them is a
chance of one in a million."""


@dataclass(frozen=True)
class Coarser:
    """A hypothesis, computed in a coarser format than the parameters are kept in; where it is."""

    hypothesis: Hypothesis
    dtype: str
    scope: Scope = EVERYWHERE

    def inside(self, observation: Observation) -> list[Mask]:
        """The elements of each parameter that are computed so."""
        return [self.scope.mask(observation, i) for i in range(len(observation.problem.shapes))]

    def speaks(self, subject: Subject, observation: Observation) -> bool:
        """Rounding is everywhere inside, in runs whose numbers the coarser format reaches."""
        most = FORMATS[self.dtype].largest / BEYOND
        rows = (observation.problem.start, *observation.fed, *self.hypothesis.replayed(observation))
        within = all(np.all(np.abs(x) < most) for row in rows for x in row if x is not None)
        return within and any(x.any() for x in self.inside(observation))

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """Errors stay within the coarser format's bound; numbers that fit it have none."""
        problem, first = observation.problem, cut(observation, 1)
        fine = self.hypothesis.agreement(subject, observation)
        if all(f.all() for f in fine) and not self.carries(observation):
            return True  # a velocity, coarse or not, has no share in this run
        if problem.kind == "dyadic":
            if not self.hypothesis.holds(subject, first):
                return False
        elif not self.shows(observation):
            return False
        coarse = self.hypothesis.agreement(subject, observation, self.dtype)
        inside = self.inside(observation)
        return all(np.all(np.where(x, c, f)) for x, c, f in zip(inside, coarse, fine))

    def carries(self, observation: Observation) -> bool:
        """Some element inside has a second step with momentum."""
        problem = observation.problem
        return any(
            x.any() and sum(row[i] is not None for row in observation.fed) > 1
            and any(row[problem.groups[i]].momentum for row in problem.hypers)
            for i, x in enumerate(self.inside(observation))
        )  # fmt: skip

    def shows(self, observation: Observation) -> bool:
        """The usual error of an element, at its worst step, is not far below one rounding there.

        A sixteenth is a heuristic: roundings are uniform, and several of them add up. Half of a few
        elements may have next to none by chance: of these one is enough.
        """
        rows = self.hypothesis.replayed(observation)
        inside = self.inside(observation)
        worst = [np.full(x.size, -1.0) for x in inside]
        before: Sequence[Array] = observation.problem.start
        for got, wanted in zip(observation.iterates, rows):
            for i, (x, y, old) in enumerate(zip(got, wanted, before)):
                with np.errstate(all="ignore"):
                    ratio = np.ravel(np.abs(x - y) / (FORMATS[self.dtype].u * np.abs(y - old)))
                worst[i] = np.fmax(worst[i], np.where(np.isfinite(ratio), ratio, np.nan))
            before = wanted
        known = np.concatenate([w[x] for w, x in zip(worst, inside)])
        known = known[known >= 0]
        usual = np.max if known.size < FEW else np.median
        return bool(known.size and usual(known) > 1 / 16)


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
    observation = wide_run(subject, h, dtype, 17, "normal", steps=6)
    return observation is not None and not systematic(hypothesis, observation)


def coarser(
    subject: Subject, convention: Convention, dtype: str, seen: Sequence[Verdicts]
) -> Iterator[Suspect[Coarser]]:
    """The convention in formats below the one that is claimed, where errors look like rounding.

    seen: runs whose wrong parameters suggest where; some of their elements are right by chance.
    """
    own = Hypothesis.of(convention)
    # What multiplies in a format may hold its numbers in it too: that leans, and is no rounding.
    rounded = [
        name for name in below(dtype)
        if any(looks_rounded(subject, h, dtype) for h in (own, *_held(own, name)))
    ]  # fmt: skip
    if not rounded:
        return
    whole = [v._replace(right=[np.full_like(r, r.all()) for r in v.right]) for v in seen]
    parted = [v._replace(explained=[~r for r in v.right]) for v in whole]
    for scope in dict.fromkeys([*islice(fitting(parted), PLACES), EVERYWHERE]):
        for name in rounded:
            words = f"{scope.words}: {WORDS}" if scope.words else WORDS
            yield Suspect(words.format(name), Coarser(own, name, scope))


def _held(own: Hypothesis, name: str) -> Iterator[Hypothesis]:
    for names in (["momentum"], sorted(own.base.knows & {*NUMBERS})):
        yield held(names, FORMATS[name].round)(own)


@dataclass(frozen=True)
class CutOff:
    """A convention whose results are cut off towards zero; that errs by twice as much at most."""

    own: Hypothesis

    def speaks(self, subject: Subject, observation: Observation) -> bool:
        """It is everywhere."""
        return True

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """No error is clearly beyond what rounding leads to."""
        return all(np.all(r <= CLEAR) for r in self.own.ratios(subject, observation))


def cut_off(subject: Subject, convention: Convention, dtype: str) -> Iterator[Suspect[CutOff]]:
    """First steps of many coordinates err towards zero, of which no more than half should.

    Without decay: one that is too large leads there, too.
    """
    own, h = Hypothesis.of(convention), setting(subject.facts, convention.knows - {"weight_decay"})
    observation = wide_run(subject, h, dtype, 18, "normal", steps=1)
    if observation is None:
        return
    wanted = own.replayed(observation)[0][0]
    error = (observation.iterates[0][0] - wanted) * np.sign(wanted)
    off = int(np.sum(error != 0))
    if error.size == COORDINATES and 2 * np.sum(error < 0) - off > SIGMAS * off**0.5 > 0:
        yield Suspect("results are cut off towards zero, not rounded to the nearest", CutOff(own))


def below(dtype: str) -> list[str]:
    """Formats of fewer digits."""
    order = ("float32", "float16", "bfloat16")
    return [n for n in order if FORMATS[n].precision < FORMATS[dtype].precision]
