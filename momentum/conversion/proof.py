"""The proof: both rules side by side, on impulses, in exact arithmetic.

Both runs are linear in the start and in the gradients, so one replay on basis vectors decides
their equality for every start and every sequence of gradients, open loop or closed: if a model
sees the same points, it answers with the same gradients. The replay uses nothing but each
convention's own step and the hyper-parameters; it knows nothing of how they were found.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from flint import fmpq

from momentum.arithmetic import exact, format_of, nearest
from momentum.arithmetic.near import DIGITS, Near
from momentum.arithmetic.surd import Exact
from momentum.conventions import Convention, Hyper, State
from momentum.conversion import linear
from momentum.conversion.linear import Place
from momentum.oracle.kernels import Block
from momentum.oracle.plan import Plan


@dataclass(frozen=True)
class Proof:
    """What was shown: equality after each of so many steps, for all starts and gradients.

    forever: and after every later step, since both runs came back to the same relation between
    them with the same hyper-parameters, so that the next step repeats the last. relation: after
    the last step, v_target = relation[0] x + relation[1] v_source, where it is one. near: the
    numbers of the target are known to some hundred digits, and so is the equality.
    """

    steps: int
    forever: bool
    relation: tuple[fmpq, fmpq] | None
    near: bool = False

    def __str__(self) -> str:
        span = "every step" if self.forever else f"{self.steps} steps"
        if self.near:
            return f"equal to {DIGITS} digits after {span}, by a replay of impulses in enclosures"
        return f"equal after {span}, for every start and all gradients (exact replay of impulses)"


def row_at(hypers: Sequence[Hyper], t: int) -> Hyper:
    """The hyper-parameters of step t; the last row goes on."""
    return hypers[min(t, len(hypers) - 1)]


def prove(
    source: Convention,
    source_hypers: Sequence[Hyper],
    target: Convention,
    target_hypers: Sequence[Hyper],
    *,
    steps: int,
    initial: State | None = None,
    ever: bool = True,
    rescaled: Mapping[int, Exact] = MappingProxyType({}),
) -> Proof | None:
    """A proof that two runs show a model the same points, or None where they do not.

    In both lists the last row goes on. initial: the target's state at the start, where it is not
    its own. ever: try to prove all later steps as well. rescaled: step, from 0 -> what
    the target's velocity is multiplied by before it.
    """
    here = linear.begin(source.initial)
    there = linear.begin(target.initial if initial is None else initial)
    if not _same(source, here, row_at(source_hypers, 0), target, there, row_at(target_hypers, 0)):
        return None
    settled = max(len(source_hypers), len(target_hypers))
    before: Any = None
    reached: Proof | None = None
    t = 0
    while True:
        here = linear.advance(source, here, row_at(source_hypers, t))
        if t in rescaled:
            state = there.state
            there = there._replace(state=state._replace(v=state.v * rescaled[t]))
        try:
            there = linear.advance(target, there, row_at(target_hypers, t))
        except ZeroDivisionError:
            return reached
        t += 1
        following = row_at(source_hypers, t), row_at(target_hypers, t)
        if not _same(source, here, following[0], target, there, following[1]):
            return reached
        here, there = linear.compress(here, there)
        now = _fingerprint(here, there)
        if t > settled and now == before:
            return _proof(max(t, steps), True, here, there)
        before = now
        if t == steps:
            reached = _proof(steps, False, here, there)
        if t >= steps and (not ever or t >= settled + 3):
            return reached


def _same(a: Convention, x: Place, h: Hyper, b: Convention, y: Place, k: Hyper) -> bool:
    return linear.equal(linear.seen(a, x, h), linear.seen(b, y, k))


def _fingerprint(*places: Place) -> Hashable:
    """All that decides the coming steps; the count of steps matters only while it is 0."""
    told = []
    for place in places:
        state = place.state._replace(step=min(place.state.step, 1), v=tuple(place.state.v))
        told.append((tuple(place.theta), *state))
    return tuple(told)


def _proof(steps: int, forever: bool, here: Place, there: Place) -> Proof:
    basis = [here.theta, here.state.v]
    relation = None
    if len(linear.independent(basis)) == 2:
        found = linear.combination(there.state.v, basis)
        relation = None if found is None else (found[0], found[1])
    near = any(isinstance(x, Near) for x in (*there.theta, *there.state.v))
    return Proof(steps, forever, relation, near)


def drift(
    target: Convention, hypers: Sequence[Hyper], steps: int, initial: State | None, dtype: str
) -> float:
    """A bound on what rounding the hyper-parameters and the arithmetic to a format may cost.

    The distance between any implementation in the format, fed with the nearest numbers of that
    format, and the exact trajectory of the exact hyper-parameters after the steps, for a start
    and gradients of magnitude up to 1. Running error analysis of every form of the rule.
    """
    convention = target if initial is None else replace(target, initial=initial)
    plan = Plan(convention, format_of(dtype), own_error=True)
    # Above 1, and no power of two, by which one multiplies without rounding.
    size = np.array([1.25])
    block = Block(size, [plan.initial(n) for n in plan.arrays], plan.format)
    for t in range(steps):
        for x in row_at(hypers, t):
            if not np.isfinite(float(plan.format.round(nearest(exact(x))))):
                raise ValueError(f"a number of the conversion is beyond the largest {dtype}")
        block.take(plan.next(row_at(hypers, t)), size)
    return float(np.max(block.bound))
