"""Parameters that are not shown as they come: gathered gradients, averages, ways back."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from momentum.conventions import Convention
from momentum.diagnosis.arrays import PARAMETER, Here, Place, Taken
from momentum.diagnosis.departure import Departure, fed
from momentum.diagnosis.hypothesis import Array, Hypothesis, Strand, Suspect
from momentum.diagnosis.short import short
from momentum.diagnosis.trials import cut
from momentum.diagnosis.walked import Walked
from momentum.subjects.drive import Observation

GATHERED = range(2, 9)
"""Calls of which one moves the parameters."""


def shown(own: Hypothesis, observation: Observation, step: int) -> Iterator[Suspect[Hypothesis]]:
    """What the first wrong step (from 1) suggests."""
    yield from (d.suspected(own) for d in _gathering())
    yield from _averaging(own, observation, step)
    yield from _back(own, observation, step)


def _gathering() -> Iterator[Departure]:
    for k in GATHERED:
        for mean in (False, True):
            words = f"one in {k} steps moves, by the {'mean' if mean else 'sum'} of the gradients"
            gathered = fed(partial(_gathered, k, mean), slack=4)
            yield Departure(f"{words} since the last one", gathered)


def _gathered(k: int, mean: bool, strand: Strand) -> Iterator[Array | None]:
    for t in range(1, len(strand.grads) + 1):
        last = [g for g in strand.grads[t - k : t] if g is not None]
        total = np.sum(last, axis=0) if last and t % k == 0 else None
        yield total / k if mean and total is not None else total


def _averaging(
    own: Hypothesis, observation: Observation, step: int
) -> Iterator[Suspect[Hypothesis]]:
    """From the first step, or from the second one on."""
    if step > 2:
        return
    before = observation.problem.start if step == 1 else observation.iterates[0]
    words = "what is shown is the mean of all iterates so far"
    words += ", the start among them" if step == 1 else ""
    yield from _hidden(own, words, lambda t: 1 / (t + 2 - step))
    for share in _shares(own, observation, step, before):
        words = f"what is shown is a running average, {share!r} of it the new iterate"
        words += "" if step == 1 else ", the first one apart"
        yield from _hidden(own, words, partial(_weight, share if step == 1 else 1.0, share))


def _weight(first: float, share: float, t: int) -> float:
    return share if t > 1 else first


def _hidden(
    own: Hypothesis, words: str, weight: Callable[[int], float]
) -> Iterator[Suspect[Hypothesis]]:
    """weight: of the new iterate in what is shown, by the step (from 1).

    Where the iterate was is told from what was shown last, and before it.
    """

    def behind(rule: Convention, here: Here) -> Taken:
        t, now = len(here.past) - 1, here.past[-1]
        x = now if not t else here.past[-2] + (now - here.past[-2]) / weight(t)
        return here._replace(x=x).taken(rule)

    place = Place("", "", lambda rule, here: behind(rule, here)[0],
                  lambda rule, here, x: (x, behind(rule, here)[1]))  # fmt: skip
    for always in (False, True):  # by the steps of each parameter, or by all
        yield Walked.suspected(own.base, words, place, lambda a, here: (
            here.x + weight(len(here.past)) * (a - here.x)), always)  # fmt: skip


def _back(own: Hypothesis, observation: Observation, k: int) -> Iterator[Suspect[Hypothesis]]:
    """At every kth step part of the way back to where it was k steps ago."""
    for share in _shares(own, observation, k, observation.problem.start) if k > 1 else ():
        words = f"at every {k}th step only {share!r} of the way since the last such step is kept"
        for always in (False, True):
            yield Walked.suspected(own.base, words, PARAMETER, partial(_partly, k, share), always)


def _partly(k: int, share: float, a: Array, here: Here) -> Array:
    steps = len(here.past)
    return a if steps % k else here.past[steps - k] + share * (a - here.past[steps - k])


def _shares(
    own: Hypothesis, observation: Observation, step: int, start: Iterable[Array]
) -> list[float]:
    """Parts of the way from a start to where the convention goes at which the subject is."""
    ends = own.replayed(cut(observation, step))[-1]
    with np.errstate(all="ignore"):
        found = [np.ravel((got - x) / (end - x))
                 for x, got, end in zip(start, observation.iterates[step - 1], ends)]  # fmt: skip
    every = np.concatenate(found)
    every = every[np.isfinite(every)]
    share = float(np.median(every)) if every.size else 1.0
    near = [short(share, 2.0**-9), short(share, 2.0**-18)]
    return list(dict.fromkeys(x for x in near if abs(x - 1) > 2.0**-9))
