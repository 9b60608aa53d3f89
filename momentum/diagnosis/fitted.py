"""Causes with a number in them: the number is fitted, then tried on other data."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import COMMON
from momentum.diagnosis.departure import Apply, Departure, constant, scheduled, taken_as, valued
from momentum.diagnosis.estimate import (
    REACH,
    Estimate,
    estimate,
    momenta,
    rates,
    setting,
    wide_run,
)
from momentum.diagnosis.hypothesis import Hypothesis, Strand, Suspect
from momentum.diagnosis.probes import tried
from momentum.diagnosis.short import said, short
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Subject

Found = Suspect[Hypothesis]

ByStep = Callable[[int], float]
"""A number that changes by itself, by the step, from 0."""

Change = Callable[[Hyper, int], Hyper]
"""The hyper-parameters that act at a step, counted from 0."""


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
    observation = wide_run(subject, h, dtype, 11)
    if observation is None:
        return
    for one in _deviating(observation, own, dtype):
        if abs(one.deviation) > REACH * one.standard_error:
            yield from _forms(own, one, dtype)


def _forms(own: Hypothesis, found: Estimate, dtype: str) -> Iterator[Found]:
    name = found.name
    # Whoever multiplies a number rounds it.
    doubt = REACH * found.standard_error + 2 * format_of(dtype).u * abs(found.set)
    if found.set:
        factor = short(1 + found.deviation / found.set, doubt / abs(found.set))
        words = f"{name} is multiplied by {said(factor)}"
        yield Departure(words, valued(name, lambda x, like: x * like(factor))).suspected(own)
    shift = short(found.deviation, doubt)
    words = (
        f"{name} acts as {name} {'-' if shift < 0 else '+'} {said(abs(shift))}, where it is 0 too"
    )
    yield Departure(words, valued(name, lambda x, like: x + like(shift))).suspected(own)
    value = short(found.value, doubt)
    words = f"{name} is {said(value)} whatever is set"
    yield Departure(words, constant(name, value)).suspected(own)


def bounded(subject: Subject, convention: Convention, observation: Observation) -> Iterator[Found]:
    """Numbers kept above or below a limit, which is what a failing run computes with.

    A number twice as far beyond it must be kept to it as well: one that is rounded is not.
    """
    problem, own = observation.problem, Hypothesis.of(convention)
    if len(problem.shapes) > 1 or len(set(problem.hypers)) > 1 or problem.missing:
        return
    for one in _deviating(observation, own, problem.dtype):
        doubt = REACH * one.standard_error + 2 * format_of(problem.dtype).u * abs(one.value)
        if abs(one.deviation) > doubt:
            limit, below = short(one.value, doubt), one.deviation > 0
            if not one.set:
                words = f"{one.name} acts as {said(limit)} where it is 0"
                instead = _every(one.name, partial(_unless_0, limit))
                yield Departure(words, instead).suspected(own)
            pick = max if below else min
            words = f"{one.name} is never {'below' if below else 'above'} {said(limit)}"
            kept = Departure(words, _every(one.name, partial(pick, limit)))
            farther = tried(subject, _farther(problem, one.name, below))
            if isinstance(farther, str) or kept.on(own).holds(subject, farther):
                yield kept.suspected(own)


def _deviating(observation: Observation, own: Hypothesis, dtype: str) -> Iterator[Estimate]:
    """Each number of the convention as estimated by itself, and seen beyond rounding."""
    for name in COMMON:
        if name in own.base.knows:
            with np.errstate(all="ignore"):
                found = estimate(observation, own, dtype, (name,))
            yield from (one for one in found if abs(one.deviation) > one.rounding)


def _unless_0(other: float, x: float) -> float:
    return x or other


def _every(name: str, change: Callable[[float], float]) -> Apply:
    """At every step another number, from the one that is set."""
    return scheduled(lambda hypers: [h.having(**{name: change(getattr(h, name))}) for h in hypers])


def _farther(problem: Problem, name: str, below: bool) -> Problem:
    """The problem with half of a number, or twice as much; momentum half as far from 1."""

    def beyond(h: Hyper) -> Hyper:
        value = float(getattr(h, name))
        more = 1 - (1 - value) / 2 if name in ("momentum", "dampening") else 2 * value
        return h.having(**{name: value / 2 if below else more})

    return replace(problem, hypers=tuple(tuple(map(beyond, row)) for row in problem.hypers))


def drifting(subject: Subject, convention: Convention, dtype: str) -> Iterator[Found]:
    """A rate or momentum that changes by itself: by a factor at every step, or as (t + a)/(t + b).

    That of each step comes from its own residuals, by least squares.
    """
    own = Hypothesis.of(convention)
    h = setting(subject.facts, convention.knows)._replace(nesterov=False)
    observation = wide_run(subject, h, dtype, 12)
    if observation is None:
        return
    with np.errstate(all="ignore"):
        yield from _lr_drifts(own, 1 + rates(observation, own) / float(h.lr))
        if h.momentum:
            yield from _momentum_drifts(own, momenta(observation, own), float(h.momentum))


def _lr_drifts(own: Hypothesis, shares: Array) -> Iterator[Found]:
    """shares: of the rate that is set, by step."""
    doubt = 2.0**-6 * abs(shares[2] - 1)
    if not np.all(np.isfinite(shares)) or shares[0] == 0:
        return
    factor = short(float(shares[2] / shares[1]), float(doubt) / 2)
    slope = short(float(1 / shares[2] - 1 / shares[1]), float(doubt) / 2)
    power = short(float(np.log2(shares[1])), float(doubt))
    divided = f"lr is divided by 1 + {said(slope)} t at step t, counted from"
    forms: dict[str, ByStep] = {
        f"lr is multiplied by t^({power:g}) at step t, counted from 1": lambda t: (t + 1) ** power,
        f"lr is multiplied by {said(factor)} at every step after the first": lambda t: factor**t,
        f"lr is divided by 1 + {said(slope)} t at step t, counted from 0": lambda t: (
            1 / (1 + slope * t)
        ),
        f"lr is multiplied by {said(factor)} at every step": lambda t: factor ** (t + 1),
        f"{divided} 1": lambda t: 1 / (1 + slope * (t + 1)),
    }
    for words, share in forms.items():
        yield from _drift(own, words, _times("lr", share))


def _momentum_drifts(own: Hypothesis, found: Array, given: float) -> Iterator[Found]:
    """found: the momentum of each step. What it is at the second and the third gives the form."""
    for form, limit in _growths(*found[1:3]).items():
        words = f"momentum is at most {form} at step t, counted from 0"
        yield from _drift(own, words, partial(_at_most, limit))
    for form, share in _growths(*(found / given)[1:3]).items():
        words = f"momentum is multiplied by {form}, or 1 if that is more, at step t, counted from 0"
        yield from _drift(own, words, _times("momentum", partial(_limited, share)))


def _growths(early: float, late: float) -> dict[str, ByStep]:
    """Numbers that grow with the step, by their words, from those of the second and third step."""
    doubt = 2.0**-8 * abs(late - early)
    if not np.isfinite(doubt) or not doubt or early == 1:
        return {}
    below = short((2 * late - early - 1) / (early - late), 0.01)
    above = short(early * (1 + below) - 1, 0.01)
    slope, start = short(late - early, doubt), short(2 * early - late, doubt)
    base = short((1 - late) / (1 - early), 2.0**-8) or 1.0
    gap = short((1 - early) / base, 2.0**-8)
    ratio: dict[str, ByStep] = {
        f"({_plus('t', above)})/({_plus('t', below)})": lambda t: (
            (t + above) / (t + below) if t + below else 0.0
        )
    }
    return (ratio if above != below else {}) | {
        _plus(f"{said(slope)} t", start): lambda t: slope * t + start,
        f"1 - {said(gap)} {said(base)}^t": lambda t: 1 - gap * base**t,
    }


def _plus(term: str, number: float) -> str:
    return f"{term} {'-' if number < 0 else '+'} {abs(number):g}" if number else term


def _limited(share: ByStep, t: int) -> float:
    return min(1.0, share(t))


def _at_most(limit: ByStep, h: Hyper, t: int) -> Hyper:
    return h._replace(momentum=min(h.momentum, limit(t)))


def _times(name: str, share: ByStep) -> Change:
    return lambda h, t: h._replace(**{name: getattr(h, name) * share(t)})


def _drift(own: Hypothesis, words: str, change: Change) -> Iterator[Found]:
    """By the optimizer's steps, or by those in which a parameter has a gradient."""
    for each in (False, True):
        text = words + ", by each parameter's own steps" * each
        yield Departure(text, _by_steps(change, each)).suspected(own)


def _by_steps(change: Change, each: bool) -> Apply:
    def telling(observation: Observation, strand: Strand) -> Iterator[Strand]:
        counts = np.cumsum([not each or g is not None for g in strand.grads]) - 1
        hypers = tuple(change(h, max(int(t), 0)) for h, t in zip(strand.hypers, counts))
        yield strand._replace(hypers=hypers)

    return taken_as(telling)
