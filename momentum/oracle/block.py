"""One block of coordinates under a rule that is no linear function: numbers one by one."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import flint
import numpy as np

from momentum.arithmetic import Format, Rounded, dyadic, exact, exact_array, nearest_array
from momentum.arithmetic.exact import Rationals
from momentum.conventions import Convention, Hyper
from momentum.oracle.given import Array, Floats

Tier = Literal["fast", "exact"]


class Numbers(NamedTuple):
    """A type of exact numbers: how arrays and hyper-parameters become it, and what is read of it.

    rounded: the nearest float64 of each element, and the nearest of what is left then.
    """

    array: Callable[[Any], Any]
    scalar: Callable[[Any], Any]
    rounded: Callable[[Any, int], tuple[Array, Array]]
    rationals: Callable[[Any], Rationals]
    precision: int = flint.ctx.prec


def _rounded(x: Rationals, size: int) -> tuple[Array, Array]:
    values = nearest_array(np.broadcast_to(np.asarray(x, dtype=object), (size,)))
    finite = np.where(np.isfinite(values), values, 0.0)
    return values, np.where(np.isfinite(values), nearest_array(x - exact_array(finite)), 0.0)


RATIONALS = Numbers(exact_array, exact, _rounded, lambda x: x)
DYADIC = Numbers(dyadic.Dyadic.of, dyadic.scalar, dyadic.rounded, dyadic.rationals)


def number_types(convention: Convention, hypers: Iterable[Hyper], closed: bool) -> list[Numbers]:
    """Number types for a rule, to be tried in turn: quick ones first, and one for every rule."""
    try:
        for h in dict.fromkeys(hypers):
            x, state = DYADIC.array(np.ones(())), convention.initial
            for _ in range(2):
                x, state = convention.step(
                    x, DYADIC.array(np.ones(())), state, h.lifted(DYADIC.scalar)
                )
    except TypeError:  # it divides, or rates are no floats
        if closed:
            return [RATIONALS]
        bits = (256, 1024, 4096, 16384)
        return [Numbers(dyadic.balls, dyadic.ball, dyadic.rounded_balls, exact_array, n)
                for n in bits] + [RATIONALS]  # fmt: skip
    return [DYADIC, RATIONALS]


class Exact:
    """Parameter and state over exact numbers."""

    def __init__(self, convention: Convention, start: Array, numbers: Numbers = RATIONALS) -> None:
        self.convention, self.numbers, self.size = convention, numbers, start.size
        self.theta, self.rest = numbers.array(start), np.zeros(start.size)
        kept = (x if isinstance(x, int) else numbers.scalar(x) for x in convention.initial)
        self.state = type(convention.initial)(*kept)

    def move_to(self, iterate: Floats) -> None:
        """Go on from there; velocities stay."""
        self.theta, self.rest = self.numbers.array(iterate), np.zeros(self.size)

    def point(self, h: Hyper) -> Rationals:
        """Where the gradient of a closed loop is taken, as rationals."""
        h = h.lifted(self.numbers.scalar)
        return self.numbers.rationals(self.convention.gradient_point(self.theta, self.state, h))

    def take(self, grad: Array, h: Hyper) -> list[Any]:
        """One step; the new numbers as float64. rest: what is left of the parameters then."""
        with dyadic.Precision(self.numbers.precision):
            h, grad = h.lifted(self.numbers.scalar), self.numbers.array(grad)
            self.theta, self.state = self.convention.step(self.theta, grad, self.state, h)
            value, self.rest = self.numbers.rounded(self.theta, self.size)
            kept = [x if isinstance(x, int) else self.numbers.rounded(x, self.size)[0]
                    for x in self.state]  # fmt: skip
            return [value, *kept]


class Walk:
    """Parameters and state as rounded numbers, for rules that `Plan` cannot read.

    Every algebraic form of the rule takes each step from the same numbers, and the largest of
    their errors goes on.
    """

    def __init__(
        self, convention: Convention, format: Format, start: Array, truth: Exact | None
    ) -> None:
        self.convention, self.format, self.truth = convention, format, truth
        self.own_error = truth is None
        self.rounded = Rounded.of(start, format, self.own_error), convention.initial

    @property
    def value(self) -> Array:
        """The parameters as float64."""
        return np.asarray(self.rounded[0].value)

    @property
    def bound(self) -> Array:
        """How far an implementation in the working format may be from them."""
        return np.asarray(self.rounded[0].error)

    def move_to(self, iterate: Floats) -> None:
        """Go on from a subject's own iterate; velocities stay. See Block."""
        held = np.where(np.isfinite(iterate), iterate, self.value)
        start = Rounded.of(held, self.format, self.own_error).rounded_once_more()
        self.rounded = start, self.rounded[1]
        if self.truth is not None:
            self.truth.move_to(held)

    def point(self, h: Hyper) -> Array | Rationals:
        """Where the gradient of a closed loop is taken."""
        if self.truth is not None:
            return self.truth.point(h)
        state = self.rounded[1]
        plain = type(state)(*(x.value if isinstance(x, Rounded) else x for x in state))
        return np.asarray(self.convention.gradient_point(self.value, plain, h))

    def take(self, grad: Array, h: Hyper, *_: object) -> None:
        """One step."""
        lifted = h.lifted(lambda x: Rounded.of(x, self.format, self.own_error))
        gradient = Rounded.of(grad, self.format, self.own_error)
        truth = None if self.truth is None else self.truth.take(grad, h)
        forms = self.convention.all_forms(h)
        ends = [form(self.rounded[0], gradient, self.rounded[1], lifted) for form in forms]
        columns = list(zip(*((theta, *state) for theta, state in ends)))
        kept = [
            largest(column, None if truth is None else truth[i]) for i, column in enumerate(columns)
        ]
        self.rounded = kept[0].rounded_once_more(), type(ends[0][1])(*kept[1:])


def largest(forms: tuple[Rounded | int, ...], truth: Array | None) -> Any:
    """One number from its several forms: the first one's value, the largest error and peak."""
    if not isinstance(forms[0], Rounded):
        return forms[0]
    first, *others = (form.stored(truth) for form in forms if isinstance(form, Rounded))
    for number in others:
        apart = 0.0 if truth is not None else np.abs(number.value - first.value)
        first.error = np.maximum(first.error, number.error + apart)
        first.peak = max(first.peak, number.peak)
    return first
