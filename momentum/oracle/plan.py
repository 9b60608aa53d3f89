"""The steps of a run as matrices, one after another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from momentum.arithmetic import FORMATS, Format, nearest
from momentum.arithmetic.expanded import NotLinear, Term
from momentum.conventions import Convention, Hyper
from momentum.oracle.coefficients import Measure, Number, Step
from momentum.oracle.expansion import NUMBERS, Output, expansion

Array = NDArray[np.float64]

_GENERIC = Hyper(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01, nu=0.7)


class Plan:
    """What each step of a convention does, from the hyper-parameters alone.

    arrays: the fields of the state that are arrays; the others are pure numbers, kept here.
    Raises: NotLinear where the rule is no linear function of its arrays.
    """

    def __init__(self, convention: Convention, format: Format, own_error: bool) -> None:
        self.convention, self.format, self.own_error = convention, format, own_error
        self.fields: tuple[str, ...] = type(convention.initial)._fields
        self.arrays = self._arrays()
        names = ("theta", *(f"state {n}" for n in self.arrays), "grad")
        self.atoms = {name: i for i, name in enumerate(names)}
        self.numbers: dict[str, Number] = {
            n: Number.given(x, FORMATS["float64"])
            for n, x in zip(self.fields, convention.initial)
            if n not in self.arrays
        }
        self.begun = False
        self._steps: dict[tuple[Any, ...], Step] = {}

    def _arrays(self) -> tuple[str, ...]:
        """Fields that some step makes an array."""
        found: set[str] = set()
        state: list[Any] = [0] * len(self.fields)
        for _ in range(2):
            outputs = expansion(self.convention, _GENERIC, state)[1:]
            found |= {n for n, x in zip(self.fields, outputs) if x.is_array}
            state = ["array" if n in found else 2 for n in self.fields]
        return tuple(n for n in self.fields if n in found)

    def initial(self, name: str) -> float:
        """What an array field holds before the first step."""
        x = getattr(self.convention.initial, name)
        return nearest(x) if isinstance(x, fmpq) else float(x)

    def next(self, h: Hyper) -> Step:
        """The next step that the parameter takes, with these hyper-parameters."""
        outputs = expansion(self.convention, h, [self._told(n) for n in self.fields])
        named = dict(zip(("theta", *self.fields), outputs))
        moving = {n: named[n] for n in ("theta", *self.arrays)}
        read = frozenset().union(*(x.names for x in moving.values()))
        key = h, outputs[0], tuple(x for n, x in self.numbers.items() if f"state {n}" in read)
        step = self._steps.get(key)
        if step is None:
            step = self._steps[key] = self._measure(h).step(moving, self.atoms)
        self.numbers = {n: self._followed(n, named[n], h) for n in self.numbers}
        self.begun = True
        return step

    def _measure(self, h: Hyper) -> Measure:
        given = {n: Number.given(getattr(h, n), self.format) for n in NUMBERS}
        held = {f"state {n}": x for n, x in self.numbers.items()}
        return Measure(given | held, self.format, self.own_error)

    def _followed(self, name: str, output: Output, h: Hyper) -> Number:
        """A pure number after the step, with the largest error of all forms as they stand."""
        if output.is_array:
            raise NotLinear("a number of the state becomes an array")
        if output.forms == (_counted(f"state {name}"),):
            return Number(self.numbers[name].value + 1.0, 0.0)
        measure = self._measure(h)
        value = measure.sum(output.forms[0]).value
        return Number(value, max(measure.sum(form).error for form in output.forms))

    def _told(self, name: str) -> Any:
        initial = getattr(self.convention.initial, name)
        if name in self.arrays:
            return "array" if self.begun or initial != 0 else 0
        value, error = self.numbers[name]
        return value if error or value not in (0, 1) else int(value)

    def plain_state(self, rows: Mapping[str, Any]) -> Any:
        """The state as the rule takes it, from the array fields in `rows`."""
        numbers = {n: int(x.value) if x.value.is_integer() else x.value
                   for n, x in self.numbers.items()}  # fmt: skip
        return type(self.convention.initial)(**{**numbers, **rows})


def _counted(name: str) -> tuple[Term, ...]:
    """The terms of a count that grows by one."""
    return (Term(1, (name,)), Term(1))
