"""Steps at which something happens to the state: by their number, their rate, or their gradient."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from operator import eq
from typing import Any

import numpy as np

from momentum.arithmetic.number import Number
from momentum.conventions import Convention, Hyper, Moved, Rule, State
from momentum.diagnosis.departure import (
    Apply,
    Departure,
    all_of,
    around,
    fed,
    scheduled,
    taken_as,
)
from momentum.diagnosis.hypothesis import Array, Hypothesis, Mask, Strand, Suspect
from momentum.diagnosis.short import said, short
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem

SHORT = range(2, 13)
"""Periods that are tried wherever a run goes wrong."""


def at_steps() -> Iterator[Departure]:
    """What depends on nothing but what is fed and set."""
    for k in SHORT:
        yield from _whenever(_every(k), partial(_multiple, k, 1))
    yield Departure(
        "a step at lr 0 is left out, its gradient too",
        fed(lambda strand: (g if h.lr else None for g, h in zip(strand.grads, strand.hypers))),
    )
    yield Departure("a missing gradient counts as a first step", taken_as(
        lambda o, strand: [strand if strand.grads[0] is not None else begun(strand)]
    ))  # fmt: skip
    for words, opposes in OPPOSES.items():
        restarted = taken_as(partial(_restarted, opposes))
        yield Departure(f"the velocity starts anew where {words}", restarted)


def late(own: Hypothesis, problem: Problem, step: int) -> Iterator[Suspect[Hypothesis]]:
    """What happens at the first wrong step for the first time, seldom or never again."""
    for k, phase in ((step, 1), (step - 1, 0)):
        if k not in SHORT and k > 1:
            again = _every(k) if phase else f"after every {k} steps"
            when = again if problem.steps > 2 * k else f"at step {step}"
            due = partial(_multiple, k, phase)
            yield from (d.suspected(own) for d in _whenever(when, due))
    if step in SHORT:
        when = f"at step {step} alone"
        yield from (d.suspected(own) for d in _whenever(when, partial(eq, step - 1)))
        yield Departure(
            f"{when} the velocity of what has a gradient at it starts anew",
            taken_as(partial(_anew_at, step - 1)),
        ).suspected(own)
    elif step > 1:
        yield from (d.suspected(own) for d in all_of(_from(step)))


def decayed(own: Hypothesis, observation: Observation, step: int) -> Iterator[Suspect[Hypothesis]]:
    """The rate is another one from the first wrong step (from 1) on, as that step is long."""
    if step <= 2:
        return
    there = [np.concatenate([np.ravel(x) for x in row]) for row in observation.iterates[:step]]
    rows = own.replayed(observation)
    wanted = [np.concatenate([np.ravel(x) for x in row]) for row in rows[step - 2 : step]]
    with np.errstate(all="ignore"):
        shares = (there[-1] - there[-2]) / (wanted[1] - wanted[0])
    shares = shares[np.isfinite(shares)]
    share = short(float(np.median(shares)), 2.0**-10) if shares.size else 0.0
    if share in (0.0, 1.0):
        return
    k, seldom = step - 1, observation.problem.steps <= 2 * (step - 1)
    once = f"{'at' if seldom else 'from'} step {step}{'' if seldom else ' on'}"
    forms: dict[str, Callable[[int], float]] = {once: lambda t: share if t >= k else 1.0}
    if not seldom:
        forms[f"after every {k} steps"] = lambda t: share ** (t // k)
    for when, by in forms.items():
        change = scheduled(partial(_multiplied, by))
        yield Departure(f"{when} lr is multiplied by {said(share)}", change).suspected(own)


def _multiplied(by: Callable[[int], float], hypers: Sequence[Hyper]) -> list[Hyper]:
    return [h._replace(lr=h.lr * by(t)) for t, h in enumerate(hypers)]


def _from(step: int) -> dict[str, Apply]:
    """What goes on from a step on, and is not so before."""

    def later(change: Callable[[Hyper, Sequence[Hyper]], Hyper]) -> Apply:
        return scheduled(
            lambda all: [h if t < step else change(h, all) for t, h in enumerate(all, 1)]
        )

    def unfed(inner: Rule, theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        moved, new = inner(theta, grad, state, h)
        return moved, new._replace(v=state.v) if state.step >= step - 2 else new

    return {
        f"from step {step} on nothing moves":
            fed(lambda strand: (g if t < step else None for t, g in enumerate(strand.grads, 1))),
        f"from step {step} on momentum has no effect":
            later(lambda h, all: h._replace(momentum=0.0)),
        f"from step {step} on lr stays what it was":
            later(lambda h, all: h._replace(lr=all[step - 2].lr)),
        f"after step {step - 2} the velocity stays as it is": around(unfed),
    }  # fmt: skip


def _every(k: int) -> str:
    return f"at every {({2: 'second', 3: 'third'}).get(k, f'{k}th')} step"


def _multiple(k: int, phase: int, t: int) -> bool:
    """A step, counted from 0, whose number from 1 - phase is a multiple of k, but for the first."""
    return t > 0 and (t + phase) % k == 0


def _whenever(when: str, due: Callable[[int], bool]) -> Iterator[Departure]:
    """At some steps, counted from 0."""
    for anew, words in ((False, "starts at zero"), (True, "starts anew, as at the first")):
        yield Departure(f"{when} the velocity {words}", around(partial(_forgetting, due, anew)))
    skipped = fed(lambda strand: (None if due(t) else g for t, g in enumerate(strand.grads)))
    yield Departure(f"{when} nothing moves, and the gradient is lost", skipped)


def _forgetting(
    due: Callable[[int], bool], anew: bool,
    step: Rule, theta: Number, grad: Number, state: State, h: Hyper,
) -> Moved:  # fmt: skip
    if not due(state.step):
        return step(theta, grad, state, h)
    forgotten = state._replace(v=0 * state.v, step=0 if anew else state.step)
    moved, new = step(theta, grad, forgotten, h)
    return moved, new._replace(step=state.step + 1)


def begun(strand: Strand) -> Strand:
    """The same, in which the first step was taken before, and left the velocity at zero."""
    initial, rule = strand.rule.initial, strand.rule
    later = replace(rule, initial=initial._replace(step=1))
    return strand._replace(rule=_BEGUN.setdefault(id(rule), (rule, later))[1])


_BEGUN: dict[int, tuple[Convention, Convention]] = {}
"""One object for each rule, by which strands are put together; the rule keeps its identity."""


Opposes = Callable[[Array, Array], Any]
"""Whether a gradient is against a velocity, for all elements together or each by itself."""


OPPOSES: dict[str, Opposes] = {
    "a parameter's gradient points against it": lambda v, d: np.sum(v * d) < 0,
    "an element's gradient points against it": lambda v, d: v * d < 0,
    "all of a parameter's is 0": lambda v, d: not np.any(v),
    "an element of it is 0": lambda v, d: v == 0,
}


def _restarted(opposes: Opposes, observation: Observation, strand: Strand) -> Iterator[Strand]:
    lost = _walked(observation, strand, opposes)
    for part, pattern in strand.alike(lost[:, strand.elements]):
        yield from _begun_anew(observation, part, np.flatnonzero(pattern))


def _begun_anew(observation: Observation, strand: Strand, steps: Iterable[int]) -> Iterator[Strand]:
    """A strand ends, and another one begins where the subject was, before each of some steps."""
    for a, b in pairwise([0, *steps, len(strand.grads)]):
        if a < b:
            start = strand.start if a == 0 else (
                observation.iterates[a - 1][strand.parameter].ravel()[strand.elements]
            )  # fmt: skip
            yield strand._replace(
                start=start, grads=strand.grads[a:b], hypers=strand.hypers[a:b],
                rows=strand.rows[a:b],
            )  # fmt: skip


def _anew_at(k: int, observation: Observation, strand: Strand) -> Iterator[Strand]:
    """At step k, counted from 0, of the optimizer: not of those at which there is a gradient."""
    fed = k < len(strand.grads) and strand.grads[k] is not None
    yield from _begun_anew(observation, strand, [k] if fed else [])


def anew_where(changed: Callable[[Hyper, Hyper], bool]) -> Apply:
    """The velocity is lost before every step whose hyper-parameters differ so from the last."""

    def telling(observation: Observation, strand: Strand) -> Iterator[Strand]:
        there = [t for t, pair in enumerate(pairwise(strand.hypers), 1) if changed(*pair)]
        yield from _begun_anew(observation, strand, there)

    return taken_as(telling)


def _walked(observation: Observation, strand: Strand, opposes: Opposes) -> Mask:
    """For each step and element of the whole parameter: a restart."""
    problem, rule, i = observation.problem, strand.rule, strand.parameter
    here, state = problem.start[i].ravel(), rule.initial
    lost = np.zeros((problem.steps, here.size), dtype=bool)
    with np.errstate(all="ignore"):
        for t, (row, h) in enumerate(zip(observation.fed, strand.hypers)):
            if (fed := row[i]) is not None:
                g = np.ravel(fed)
                d = (-g if h.maximize else g) + h.weight_decay * here
                lost[t] = bool(state.step) & opposes(state.v, d)
                _, gone = rule.step(here, g, state, h)
                _, anew = rule.step(here, g, rule.initial, h)
                state = gone._replace(v=np.where(lost[t], anew.v, gone.v))
            here = observation.iterates[t][i].ravel()
    return lost


def closed_up(observation: Observation, strand: Strand) -> Iterator[Strand]:
    """The gradients that there are go to the first parameters of the group, in order."""
    groups, i = observation.problem.groups, strand.parameter
    members = [j for j, g in enumerate(groups) if g == groups[i]]
    grads: list[Array | None] = []
    for row in observation.fed:
        present = [g for j in members if (g := row[j]) is not None]
        mine = present[members.index(i)] if members.index(i) < len(present) else None
        fits = mine is not None and mine.shape == observation.problem.shapes[i]
        grads.append(np.ravel(mine)[strand.elements] if fits and mine is not None else None)
    yield strand._replace(grads=tuple(grads))
