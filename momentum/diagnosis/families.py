"""Causes with a number in them: the number is fitted, then tried on other data."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from flint import fmpq

from momentum.arithmetic import exact, format_of
from momentum.conventions import Convention, Hyper
from momentum.diagnosis.departing import Departure, scheduled, told
from momentum.diagnosis.estimate import (
    COORDINATES,
    REACH,
    STEPS,
    Estimate,
    estimate,
    rates,
    setting,
)
from momentum.diagnosis.gradients import short
from momentum.diagnosis.hypotheses import Hypothesis, Schedule, Suspect
from momentum.diagnosis.numbers import NUMBERS
from momentum.diagnosis.probes import tried
from momentum.subjects.observation import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

Found = Suspect[Hypothesis]


def fitted(
    subject: Subject, convention: Convention, dtype: str, like: Hyper | None = None
) -> Iterator[Found]:
    """Each number of the convention wrong by a factor, by a difference, or stuck.

    like: has the flags to fit with.
    """
    own = Hypothesis.of(convention)
    known = convention.knows
    h = setting(subject.facts, known)
    if like is not None:
        off = 0.0 if like.nesterov else h.dampening
        h = h._replace(nesterov=like.nesterov, maximize=like.maximize, dampening=off)
    size = min(COORDINATES, subject.facts.largest)
    problem = Problem(dtype, ((size,),), ((h,),) * STEPS, (0,), "from_zero", seed=11)
    observation = tried(subject, problem)
    if isinstance(observation, str):
        return
    for name in NUMBERS:
        if name in known:
            with np.errstate(all="ignore"):
                found = estimate(observation, own, dtype, (name,))
            for one in found:
                if one.name == name and abs(one.deviation) > REACH * one.standard_error:
                    yield from _forms(own, one, dtype)


def _forms(own: Hypothesis, found: Estimate, dtype: str) -> Iterator[Found]:
    name = found.name
    # Whoever multiplies a number rounds it.
    doubt = REACH * found.standard_error + 2 * format_of(dtype).u * abs(found.set)
    if found.set:
        factor = short(1 + found.deviation / found.set, doubt / abs(found.set))
        words = f"{name} is multiplied by {factor!r}"
        yield _suspect(own, name, "scaled", words, lambda x, like: x * like(factor))
    shift = short(found.deviation, doubt)
    words = f"{name} acts as {name} + {shift!r}, where it is 0 too"
    yield _suspect(own, name, "shifted", words, lambda x, like: x + like(shift))
    value = short(found.value, doubt)
    words = f"{name} is {value!r} whatever is set"
    yield _suspect(own, name, "stuck", words, lambda x, like: like(value))


def bounded(convention: Convention, observation: Observation) -> Iterator[Found]:
    """Numbers kept above or below a limit, which is what a failing run computes with."""
    problem, own = observation.problem, Hypothesis.of(convention)
    if len(problem.shapes) > 1 or len(set(problem.hypers)) > 1 or problem.missing:
        return
    for name in NUMBERS:
        with np.errstate(all="ignore"):
            found = estimate(observation, own, problem.dtype, (name,))
        for one in found:
            doubt = REACH * one.standard_error + 2 * format_of(problem.dtype).u * abs(one.value)
            if one.name != name or not abs(one.deviation) > doubt:
                continue
            limit, below = short(one.value, doubt), one.deviation > 0
            words = f"{name} is never {'below' if below else 'above'} {limit!r}"
            kept = scheduled(_kept(name, max if below else min, limit))
            yield _drift(own, f"{name}_bounded", words, kept)


def _kept(name: str, pick: Callable[..., Any], limit: float) -> Schedule:
    return lambda hypers: [h._replace(**{name: pick(getattr(h, name), limit)}) for h in hypers]


def drifting(subject: Subject, convention: Convention, dtype: str) -> Iterator[Found]:
    """A rate that changes by itself: by a factor at every step, or as 1 / (1 + c t).

    The rate of each step comes from its own residuals, by least squares.
    """
    own = Hypothesis.of(convention)
    h = setting(subject.facts, convention.knows)
    size = min(COORDINATES, subject.facts.largest)
    problem = Problem(dtype, ((size,),), ((h,),) * STEPS, (0,), "from_zero", seed=12)
    observation = tried(subject, problem)
    if isinstance(observation, str):
        return
    shares = 1 + rates(observation, own) / float(h.lr)
    doubt = 2.0**-6 * abs(shares[2] - 1)
    if not np.all(np.isfinite(shares)) or shares[0] == 0:
        return
    factor = short(float(shares[2] / shares[1]), float(doubt) / 2)
    slope = short(float(1 / shares[2] - 1 / shares[1]), float(doubt) / 2)
    for step in (0, 1):
        words = f"lr is multiplied by {factor!r} at every step" + " after the first" * (1 - step)
        changed = scheduled(_scaled(_power(factor, step)))
        yield _drift(own, "lr_shrinks", words, changed)
        words = f"lr is divided by 1 + {slope!r} t at step t, counted from {step}"
        changed = scheduled(_scaled(_quotient(slope, step)))
        yield _drift(own, "lr_divided", words, changed)


def _power(factor: float, first: int) -> Callable[[int], float]:
    return lambda t: factor ** (t + first)


def _quotient(slope: float, first: int) -> Callable[[int], float]:
    return lambda t: 1 / (1 + slope * (t + first))


def _scaled(share: Callable[[int], float]) -> Callable[[Sequence[Hyper]], Sequence[Hyper]]:
    return lambda hypers: [h._replace(lr=h.lr * share(t)) for t, h in enumerate(hypers)]


def _drift(
    own: Hypothesis, name: str, words: str, apply: Callable[[Hypothesis], Hypothesis]
) -> Found:
    departure = Departure(name, "lr", words, apply)
    return Suspect(name, words, departure.on(own))


def _suspect(
    own: Hypothesis, name: str, kind: str, words: str, change: Callable[[Any, Any], Any]
) -> Found:
    def changed(h: Hyper) -> Hyper:
        value = getattr(h, name)
        like: Any = exact if isinstance(h.lr, fmpq) else float
        if not isinstance(value, fmpq) and isinstance(h.lr, fmpq):
            value = exact(value)
        return Hyper(**(h._asdict() | {name: change(value, like)}))

    departure = Departure(f"{name}_{kind}", name, words, told(changed))
    return Suspect(departure.name, words, departure.on(own))
