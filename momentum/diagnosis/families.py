"""Causes with a number in them: the number is fitted, then tried on other data."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from flint import fmpq

from momentum.arithmetic import exact
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import NEUTRAL
from momentum.diagnosis.estimate import COORDINATES, REACH, STEPS, Estimate, estimate, setting
from momentum.diagnosis.hypotheses import Departure, Hypothesis, told
from momentum.diagnosis.suspects import Suspect
from momentum.subjects.observation import observe
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

NAMES = ("lr", "momentum", "dampening", "weight_decay")


def fitted(subject: Subject, convention: Convention, dtype: str) -> Iterator[Suspect]:
    """Each number of the convention wrong by a factor, by a difference, or stuck."""
    own = Hypothesis.of(convention)
    h = setting(subject.facts)
    known = convention.knows
    h = Hyper(**{n: x if n in known else NEUTRAL[n] for n, x in h._asdict().items()})
    size = min(COORDINATES, subject.facts.largest)
    problem = Problem(dtype, ((size,),), ((h,),) * STEPS, (0,), "from_zero", seed=11)
    observation = observe(subject, problem)
    for name in NAMES:
        if name in known:
            with np.errstate(all="ignore"):
                found = estimate(observation, own, dtype, (name,))
            for one in found:
                if one.name == name and abs(one.deviation) > REACH * one.standard_error:
                    yield from _forms(own, one)


def _forms(own: Hypothesis, found: Estimate) -> Iterator[Suspect]:
    name, doubt = found.name, REACH * found.standard_error
    if found.set:
        factor = short(1 + found.deviation / found.set, doubt / abs(found.set))
        words = f"{name} is multiplied by {factor!r}"
        yield _suspect(own, name, "scaled", words, lambda x, like: x * like(factor))
    shift = short(found.deviation, doubt)
    words = f"{name} is off by {shift!r}"
    yield _suspect(own, name, "shifted", words, lambda x, like: x + like(shift))
    value = short(found.value, doubt)
    words = f"{name} is {value!r} whatever is set"
    yield _suspect(own, name, "stuck", words, lambda x, like: like(value))


def short(number: float, doubt: float) -> float:
    """The number with the fewest decimal digits that is within the doubt."""
    for digits in range(1, 17):
        rounded = float(f"{number:.{digits}g}")
        if abs(rounded - number) <= doubt:
            return rounded
    return number


def _suspect(
    own: Hypothesis, name: str, kind: str, words: str, change: Callable[[Any, Any], Any]
) -> Suspect:
    def changed(h: Hyper) -> Hyper:
        value = getattr(h, name)
        like: Any = exact if isinstance(h.lr, fmpq) else float
        if not isinstance(value, fmpq) and isinstance(h.lr, fmpq):
            value = exact(value)
        return Hyper(**(h._asdict() | {name: change(value, like)}))

    departure = Departure(f"{name}_{kind}", name, words, told(changed))
    return Suspect(departure.name, words, departure.on(own))
