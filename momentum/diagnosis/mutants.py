"""Rules that differ from a convention's by one small mistake in its text, anywhere in it.

The convention's step is an expression; every part of it, at one place or wherever it is used, is
exchanged, dropped, doubled or multiplied by a number that is fitted to what the subject did.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import NamedTuple

import numpy as np

from momentum.arithmetic.expression import (  # fmt: skip
    Expression,
    made,
    nodes,
    number,
    replaced,
    symbol,
)
from momentum.arithmetic.notation import Notation
from momentum.arithmetic.number import Number
from momentum.conventions import Convention, Hyper, Moved, State, Step, expressed, symbols_of
from momentum.conventions.hyper import NEUTRAL, NUMBERS
from momentum.diagnosis.departure import ruled
from momentum.diagnosis.hypothesis import Hypothesis, Suspect
from momentum.diagnosis.short import said
from momentum.diagnosis.trials import cut
from momentum.gallery.rewriting import Path, at, paths, put
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Array

WRITTEN = Notation()
FITS = 4
"""Iterations to fit a factor: the step depends on it nearly linearly."""

NAMES = {"theta": "the new parameter", "v": "the new velocity"}
Flags = tuple[bool, bool]


class Mutant(NamedTuple):
    """A whole rule as expressions, for one setting of the flags, and what is odd in it.

    exchange: a part, and what stands in its place wherever it is used, with other flags too.
    """

    words: str
    first: Step
    later: Step
    exchange: tuple[Expression, Expression] | None = None


Build = Callable[[Expression], tuple[Step, Step]]
"""First and later step, with another part in one place."""


def mutants(
    convention: Convention, observation: Observation, names: frozenset[str]
) -> Iterator[Suspect[Hypothesis]]:
    """All of them, for the flags of a run that is wrong. names: of hyper-parameters to speak of."""
    h = observation.problem.hypers[0][0]
    flags = bool(h.nesterov), bool(h.maximize)
    try:
        first, later = _both(convention, flags, names)
    except (TypeError, ValueError):  # its text is no expression
        return
    where = f"with{'' if flags[0] else 'out'} nesterov: " if "nesterov" in names else ""
    where += "with maximize: " if flags[1] else ""
    for mutant in _exchanged(names, first, later):
        if _moves(mutant.first, first) and _moves(mutant.later, later):
            alone = where if mutant.exchange is None else ""
            yield _suspect(convention, mutant._replace(words=alone + mutant.words), flags)
    wrong = cut(observation, min(3, observation.problem.steps))  # enough to fit a factor
    for place, part, build, which in _places(first, later):
        if part.operation == "number" and part.value == 0:
            continue

        def steps(factor: Fraction, part: Expression = part, build: Build = build) -> Mutant:
            return Mutant("", *build(made("*", number(factor), part)))

        factor = _fitted(convention, steps, flags, wrong)
        if factor is not None:
            words = f"{WRITTEN.text(part)} in {place} is multiplied by {said(float(factor))}"
            words += f", {which} steps" if which else ""
            yield _suspect(convention, steps(factor)._replace(words=where + words), flags)


def _moves(step: Step, own: Step) -> bool:
    """What depends on an array still does, and is no one number for all elements."""
    arrays = {"theta", "grad", "v"}
    return all(
        step.outputs[name].symbols & arrays or not e.symbols & arrays
        for name, e in own.outputs.items()
    )


def _suspect(convention: Convention, mutant: Mutant, flags: Flags) -> Suspect[Hypothesis]:
    return Suspect(mutant.words, _hypothesis(convention, mutant, flags))


def _hypothesis(convention: Convention, mutant: Mutant, flags: Flags) -> Hypothesis:
    """The mutant, and with maximize the same for a gradient of the other sign.

    With other flags the convention, or its exchange in the text for those.
    """
    steps = {flags: (mutant.first, mutant.later)}
    if not flags[1]:
        turned = {symbol("grad"): -symbol("grad")}
        steps[flags[0], True] = mutant.first.replaced(turned), mutant.later.replaced(turned)

    def rule(theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        grad = -grad if h.maximize else grad  # `Convention.step` has turned its sign already
        here = bool(h.nesterov), bool(h.maximize)
        if here not in steps and mutant.exchange is None:
            return convention.step(theta, grad, state, h)
        if here not in steps and mutant.exchange is not None:
            first, later = _both(convention, here)
            table = dict([mutant.exchange])
            steps[here] = first.replaced(table), later.replaced(table)
        return steps[here][1 if state.step else 0].taken(theta, grad, state, h)

    wrong = ruled(Hypothesis.of(convention), rule)
    return replace(wrong, words=(mutant.words,), slack=2)


def _both(
    convention: Convention, flags: Flags, names: frozenset[str] = frozenset(NUMBERS)
) -> tuple[Step, Step]:
    """First and later step, in which numbers without a name are at their neutral value."""
    off = {n: NEUTRAL[n] for n in frozenset(NUMBERS) & convention.knows - names}
    h = symbols_of(convention, nesterov=flags[0], maximize=flags[1], **off)
    return expressed(convention, first=True, h=h), expressed(convention, h=h)


def _exchanged(known: frozenset[str], first: Step, later: Step) -> Iterator[Mutant]:
    """One part for another."""
    names = sorted(frozenset(NUMBERS) & known)
    arrays = ["theta", "grad", *later.state]
    if first != later:
        yield Mutant("every step is as the first one", first, first)
        yield Mutant("the first step is as all later ones", later, later)
    if "v" in later.state:
        late = later._replace(theta=replaced(later.theta, {later.state["v"]: symbol("v")}))
        yield Mutant("the parameter takes the old velocity", first, late)
        early = first._replace(theta=replaced(first.theta, {first.state["v"]: symbol("v")}))
        yield Mutant("the parameter takes the old velocity, at the first step too", early, late)
        yield Mutant("at the first step the parameter takes the velocity before it", early, later)
    for place, part, build, which in _places(first, later):
        when = {"first": ", at the first step", "later": ", after the first"}.get(which, "")
        for other in _others(part, names, arrays):
            words = f"{WRITTEN.text(other)} in place of {WRITTEN.text(part)} in {place}{when}"
            yield Mutant(words, *build(other))
    for part in dict.fromkeys(nodes([*first.outputs.values(), *later.outputs.values()])):
        for other in _others(part, names, arrays):
            words = f"{WRITTEN.text(other)} in place of {WRITTEN.text(part)}, at every step"
            pair = first.replaced({part: other}), later.replaced({part: other})
            yield Mutant(f"{words} and with all flags", *pair, (part, other))
            yield Mutant(words, *pair)


def _places(first: Step, later: Step) -> Iterator[tuple[str, Expression, Build, str]]:
    """Each part at each place, and wherever it is used; how to exchange it, and in which steps."""
    steps = {"": later} if first == later else {"first": first, "later": later}
    for which, own in steps.items():
        for name, root in own.outputs.items():
            for path in paths(root):
                exchanged = partial(_exchanged_at, own, name, path)
                build = partial(_both_with, first, later, which, exchanged)
                yield NAMES.get(name, name), at(root, path), build, which
        for part in nodes([*own.outputs.values()]):
            exchanged = partial(_exchanged_everywhere, own, part)
            build = partial(_both_with, first, later, which, exchanged)
            yield "the whole step", part, build, which


def _exchanged_at(step: Step, name: str, path: Path, other: Expression) -> Step:
    return Step.of(step.outputs | {name: put(step.outputs[name], path, other)})


def _exchanged_everywhere(step: Step, part: Expression, other: Expression) -> Step:
    return step.replaced({part: other})


def _both_with(
    first: Step, later: Step, which: str, exchanged: Callable[[Expression], Step], other: Expression
) -> tuple[Step, Step]:
    changed = exchanged(other)
    return first if which == "later" else changed, later if which == "first" else changed


def _others(e: Expression, names: Sequence[str], arrays: Sequence[str]) -> Iterator[Expression]:
    """What may stand in its place by mistake."""
    if e.operation == "symbol":
        alike = [*(names if e.name not in ("theta", "grad", "v") else ()),
                 *(arrays if e.name not in names else ())]  # fmt: skip
        yield from (symbol(n) for n in alike if n != e.name)
        if e.name in names:
            yield from (number(0), number(1), made("-", number(1), e))
    if e.operation == "number":
        yield from (number(e.value + x) for x in (1, -1, Fraction(1, 2), Fraction(-1, 2)))
    if e.operation in ("+", "-", "*"):
        a, b = e.args
        yield from (made(o, a, b) for o in ("+", "-", "*") if o != e.operation)
        yield from (a, b)
        if e.operation == "-":
            yield made("-", b, a)
        yield made("*" if e.operation == "*" else e.operation, e, b)
        if e.operation == "*":
            yield made("*", e, a)
    if e.operation == "negative":
        yield e.args[0]
    if e.symbols & {*arrays}:
        yield from (made("*", symbol(n), e) for n in names)


def _fitted(
    convention: Convention,
    steps: Callable[[Fraction], Mutant],
    flags: Flags,
    observation: Observation,
) -> Fraction | None:
    """The factor with which the mutant comes nearest to the subject, if it comes near at all."""

    def run(factor: float) -> Array:
        mutant = _hypothesis(convention, steps(Fraction(factor)), flags)
        return _flat(mutant.replayed(observation))

    got = _flat(observation.iterates)
    factor, probe = 1.0, 2.0**-10
    for _ in range(FITS):
        here = run(factor)
        with np.errstate(all="ignore"):
            slope, left = (run(factor + probe) - here) / probe, got - here
        size = float(slope @ slope)
        if not np.isfinite(size) or size == 0 or not np.all(np.isfinite(left)):
            return None
        factor += float(slope @ left) / size
    here = run(factor)
    scale = float(np.max(np.abs(got))) or 1.0
    if not np.all(np.isfinite(here)) or np.max(np.abs(got - here)) > 2.0**-6 * scale:
        return None
    return _shortest(factor)


def _shortest(factor: float) -> Fraction:
    """A number of few digits that is near, in quarters or thousandths, else as it is."""
    for denominator in (1, 2, 4, 8, 10, 100, 1000, 1024, 10000):
        near = Fraction(round(factor * denominator), denominator)
        if abs(float(near) - factor) < 2.0**-18 * max(abs(factor), 2.0**-10):
            return near
    return Fraction(factor)


def _flat(rows: Sequence[Sequence[Array]]) -> Array:
    return np.concatenate([np.ravel(x) for row in rows for x in row])
