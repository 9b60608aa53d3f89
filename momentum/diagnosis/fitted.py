"""Causes with a number in them: the number is fitted, then tried on other data."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq

from momentum.arithmetic import exact, format_of
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import COMMON
from momentum.diagnosis.departure import Departure, scheduled, taken_as, told
from momentum.diagnosis.estimate import (
    REACH,
    Estimate,
    estimate,
    momenta,
    rates,
    setting,
    wide_run,
)
from momentum.diagnosis.hypothesis import Hypothesis, Schedule, Strand, Suspect
from momentum.diagnosis.probes import tried
from momentum.diagnosis.short import short
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Subject

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
    observation = wide_run(subject, h, dtype, 11)
    if observation is None:
        return
    for name in COMMON:
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


def bounded(subject: Subject, convention: Convention, observation: Observation) -> Iterator[Found]:
    """Numbers kept above or below a limit, which is what a failing run computes with.

    A number twice as far beyond it must be kept to it as well: one that is rounded is not.
    """
    problem, own = observation.problem, Hypothesis.of(convention)
    if len(problem.shapes) > 1 or len(set(problem.hypers)) > 1 or problem.missing:
        return
    for name in COMMON:
        with np.errstate(all="ignore"):
            found = estimate(observation, own, problem.dtype, (name,))
        for one in found:
            doubt = REACH * one.standard_error + 2 * format_of(problem.dtype).u * abs(one.value)
            if one.name != name or not abs(one.deviation) > doubt:
                continue
            limit, below = short(one.value, doubt), one.deviation > 0
            if not one.set:
                words = f"{name} acts as {limit!r} where it is 0"
                other = scheduled(_instead(name, limit))
                yield Suspect(words, words, Departure(f"{name}_zero", name, words, other).on(own))
            words = f"{name} is never {'below' if below else 'above'} {limit!r}"
            kept = scheduled(_kept(name, max if below else min, limit))
            departed = Departure(f"{name}_bounded", name, words, kept).on(own)
            farther = tried(subject, _farther(problem, name, below))
            if isinstance(farther, str) or departed.holds(subject, farther):
                yield Suspect(words, words, departed)


def _farther(problem: Problem, name: str, below: bool) -> Problem:
    """The problem with half of a number, or twice as much; momentum half as far from 1."""

    def beyond(h: Hyper) -> Hyper:
        value = float(getattr(h, name))
        more = 1 - (1 - value) / 2 if name in ("momentum", "dampening") else 2 * value
        return Hyper(**(h._asdict() | {name: value / 2 if below else more}))

    return replace(problem, hypers=tuple(tuple(map(beyond, row)) for row in problem.hypers))


def _instead(name: str, value: float) -> Schedule:
    acts: dict[str, Any] = {name: value}
    return lambda hypers: [h if getattr(h, name) else h._replace(**acts) for h in hypers]


def _kept(name: str, pick: Callable[..., Any], limit: float) -> Schedule:
    return lambda hypers: [h._replace(**{name: pick(getattr(h, name), limit)}) for h in hypers]


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
    words = f"lr is multiplied by t^({power:g}) at step t, counted from 1"
    yield from _drift(own, "lr_power", words, _times("lr", partial(_to_the, power)))
    for step in (0, 1):
        words = f"lr is multiplied by {factor!r} at every step" + " after the first" * (1 - step)
        yield from _drift(own, "lr_shrinks", words, _times("lr", partial(_power, factor, step)))
        words = f"lr is divided by 1 + {slope!r} t at step t, counted from {step}"
        yield from _drift(own, "lr_divided", words, _times("lr", partial(_quotient, slope, step)))


def _momentum_drifts(own: Hypothesis, found: Array, given: float) -> Iterator[Found]:
    """found: the momentum of each step. What it is at the second and the third gives the form."""
    for share in (False, True):
        early, late = (found / given if share else found)[1:3]
        doubt = 2.0**-8 * abs(late - early)
        if not np.isfinite(doubt) or not doubt or early == 1:
            continue
        below = short((2 * late - early - 1) / (early - late), 0.01)
        above = short(early * (1 + below) - 1, 0.01)
        slope, start = short(late - early, doubt), short(2 * early - late, doubt)
        base = short((1 - late) / (1 - early), 2.0**-8) or 1.0
        gap = short((1 - early) / base, 2.0**-8)
        forms: tuple[tuple[str, Callable[[int], float]], ...] = (
            (f"({_plus('t', above)})/({_plus('t', below)})", partial(_fraction, above, below)),
            (_plus(f"{slope!r} t", start), partial(_line, slope, start)),
            (f"1 - {gap!r} {base!r}^t", partial(_short_of_one, gap, base)),
        )
        for form, at in forms:
            words = f"momentum is at most {form} at step t"
            change: Change = partial(_at_most, at)
            if share:
                words = f"momentum is multiplied by {form}, or 1 if that is more, at step t"
                change = _times("momentum", partial(_limited, at))
            yield from _drift(own, "momentum_grows", f"{words}, counted from 0", change)


def _plus(term: str, number: float) -> str:
    return f"{term} {'-' if number < 0 else '+'} {abs(number):g}" if number else term


def _fraction(above: float, below: float, t: int) -> float:
    return (t + above) / (t + below) if t + below else 0.0


def _line(slope: float, start: float, t: int) -> float:
    return slope * t + start


def _short_of_one(gap: float, base: float, t: int) -> float:
    return 1 - gap * _power(base, 0, t)


def _limited(share: Callable[[int], float], t: int) -> float:
    return min(1.0, share(t))


def _power(factor: float, step: int, t: int) -> float:
    return float(factor ** (t + step))


def _to_the(power: float, t: int) -> float:
    return float((t + 1) ** power)


def _quotient(slope: float, first: int, t: int) -> float:
    return 1 / (1 + slope * (t + first))


Change = Callable[[Hyper, int], Hyper]
"""The hyper-parameters that act at a step, counted from 0."""


def _at_most(limit: Callable[[int], float], h: Hyper, t: int) -> Hyper:
    return h._replace(momentum=min(h.momentum, limit(t)))


def _times(name: str, share: Callable[[int], float]) -> Change:
    return lambda h, t: h._replace(**{name: getattr(h, name) * share(t)})


def _drift(own: Hypothesis, name: str, words: str, change: Change) -> Iterator[Found]:
    """By the optimizer's steps, or by those in which a parameter has a gradient."""
    for each in (False, True):
        text = words + ", by each parameter's own steps" * each
        apply = _by_steps(change, each)
        yield Departure(name, name.partition("_")[0], text, apply).suspected(own)


def _by_steps(change: Change, each: bool) -> Callable[[Hypothesis], Hypothesis]:
    def telling(observation: Observation, strand: Strand) -> Iterator[Strand]:
        counts = np.cumsum([not each or g is not None for g in strand.grads]) - 1
        hypers = tuple(change(h, max(int(t), 0)) for h, t in zip(strand.hypers, counts))
        yield strand._replace(hypers=hypers)

    return taken_as(telling)


def _suspect(
    own: Hypothesis, name: str, kind: str, words: str, change: Callable[[Any, Any], Any]
) -> Found:
    def changed(h: Hyper) -> Hyper:
        value = getattr(h, name)
        like: Any = exact if isinstance(h.lr, fmpq) else float
        if not isinstance(value, fmpq) and isinstance(h.lr, fmpq):
            value = exact(value)
        return Hyper(**(h._asdict() | {name: change(value, like)}))

    return Departure(f"{name}_{kind}", name, words, told(changed)).suspected(own)
