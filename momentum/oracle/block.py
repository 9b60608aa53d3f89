"""One block of coordinates under a rule that is no linear function: numbers one by one."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format, Rounded, exact, exact_array, nearest_array
from momentum.conventions import Convention, Hyper

Array = NDArray[np.float64]
Tier = Literal["fast", "exact"]


class Exact:
    """Parameter and state over rationals."""

    def __init__(self, convention: Convention, start: Array) -> None:
        self.convention = convention
        self.theta, self.state = exact_array(start), convention.initial

    def point(self, h: Hyper) -> Any:
        """Where the gradient of a closed loop is taken."""
        return self.convention.gradient_point(self.theta, self.state, h.lifted(exact))

    def take(self, grad: Array, h: Hyper) -> list[Any]:
        """One step; the new numbers as float64."""
        lifted = h.lifted(exact)
        step = self.convention.step(self.theta, exact_array(grad), self.state, lifted)
        self.theta, self.state = step
        return [
            x if isinstance(x, int) else nearest_array(np.asarray(x, dtype=object))
            for x in (self.theta, *self.state)
        ]


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
    def value(self) -> Any:
        """The parameters as float64."""
        return self.rounded[0].value

    @property
    def bound(self) -> Any:
        """How far an implementation in the working format may be from them."""
        return self.rounded[0].error

    def move_to(self, iterate: Array) -> None:
        """Go on from a subject's own iterate; velocities stay. See Block."""
        held = np.where(np.isfinite(iterate), iterate, self.value)
        start = Rounded.of(held, self.format, self.own_error).rounded_once_more()
        self.rounded = start, self.rounded[1]
        if self.truth is not None:
            self.truth.theta = exact_array(held)

    def point(self, h: Hyper) -> Any:
        """Where the gradient of a closed loop is taken."""
        if self.truth is not None:
            return self.truth.point(h)
        state = self.rounded[1]
        plain = type(state)(*(x.value if isinstance(x, Rounded) else x for x in state))
        return self.convention.gradient_point(self.value, plain, h)

    def take(self, grad: Array, h: Hyper, *_: Any) -> None:
        """One step."""
        lifted = h.lifted(lambda x: Rounded.of(x, self.format, self.own_error))
        gradient = Rounded.of(grad, self.format, self.own_error)
        truth = None if self.truth is None else self.truth.take(grad, h)
        forms = self.convention.all_forms(h)
        ends = [form(self.rounded[0], gradient, self.rounded[1], lifted) for form in forms]
        columns = list(zip(*((theta, *state) for theta, state in ends)))
        kept = [
            _largest(column, None if truth is None else truth[i])
            for i, column in enumerate(columns)
        ]
        self.rounded = kept[0].rounded_once_more(), type(ends[0][1])(*kept[1:])


def _largest(forms: tuple[Any, ...], truth: Any) -> Any:
    """One number from its several forms: the first one's value, the largest error."""
    if not isinstance(forms[0], Rounded):
        return forms[0]
    first = forms[0].stored(truth)
    for other in forms[1:]:
        number = other.stored(truth)
        apart = 0.0 if truth is not None else np.abs(number.value - first.value)
        first.error = np.maximum(first.error, number.error + apart)
    return first.stored() if len(forms) > 1 else first
