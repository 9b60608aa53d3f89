"""One block of coordinates on its way through the steps, in every number type at once."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format, Rounded, exact, exact_array, nearest_array
from momentum.conventions import Convention, Hyper

Array = NDArray[np.float64]
Tier = Literal["fast", "exact"]


class Walk:
    """Parameters and state as rounded numbers, and where the tier is exact as rationals too.

    Every algebraic form of the rule takes each step from the same numbers, and the largest of
    their errors goes on: so the bound covers implementations that change their form in a run.
    """

    def __init__(self, convention: Convention, format: Format, tier: Tier, start: Array) -> None:
        self.convention = convention
        self.format = format
        self.own_error = tier == "fast"
        self.rounded = Rounded.of(start, format, self.own_error), convention.initial
        self.exact = (exact_array(start), convention.initial) if tier == "exact" else None

    @property
    def value(self) -> Any:
        """The parameters as float64."""
        return self.rounded[0].value

    @property
    def bound(self) -> Any:
        """How far an implementation in the working format may be from them."""
        return self.rounded[0].error

    def move_to(self, iterate: Array) -> None:
        """Go on from a subject's own iterate; velocities stay.

        What it shows may be a rounded copy of what it goes on from (master weights, compensated
        sums), so the start is in doubt by that one rounding.
        """
        held = np.where(np.isfinite(iterate), iterate, self.value)
        start = Rounded.of(held, self.format, self.own_error).rounded_once_more()
        self.rounded = start, self.rounded[1]
        if self.exact is not None:
            self.exact = exact_array(held), self.exact[1]

    def point(self, h: Hyper) -> Any:
        """Where the gradient of a closed loop is taken."""
        if self.exact is not None:
            return self.convention.gradient_point(*self.exact, h.lifted(exact))
        state = self.rounded[1]
        plain = type(state)(*(x.value if isinstance(x, Rounded) else x for x in state))
        return self.convention.gradient_point(self.value, plain, h)

    def take(self, grad: Array, h: Hyper, lifted: Hyper) -> None:
        """One step; `lifted` is `h` over rounded numbers."""
        gradient = Rounded.of(grad, self.format, self.own_error)
        truth: list[Any] | None = None
        if self.exact is not None:
            theta, state = self.exact
            self.exact = self.convention.step(theta, exact_array(grad), state, h.lifted(exact))
            truth = [_as_float(x) for x in (self.exact[0], *self.exact[1])]
        forms = self.convention.all_forms(h)
        ends = [form(self.rounded[0], gradient, self.rounded[1], lifted) for form in forms]
        columns = list(zip(*((theta, *state) for theta, state in ends)))
        kept = [
            _largest(column, None if truth is None else truth[i])
            for i, column in enumerate(columns)
        ]
        if h.momentum and not h.nesterov and self.rounded[1].step:
            # Old velocity and gradient may leave the parameter one by one: (x - a) - b rounds
            # x once more than x - (a + b), and saves the rounding of a + b.
            kept[0] = kept[0].rounded_once_more()
        self.rounded = kept[0], type(ends[0][1])(*kept[1:])


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


def _as_float(number: Any) -> Any:
    """A part of an exact state as float64."""
    return number if isinstance(number, int) else nearest_array(np.asarray(number, dtype=object))
