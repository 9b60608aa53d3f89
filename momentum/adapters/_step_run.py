"""One run of a step function, on arrays of its library."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._forms import Form
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Gradient


@dataclass(frozen=True)
class StepFunction:
    """What is known of it. names: our hyper-parameters -> its own. lazy: it makes the first v."""

    function: Callable[..., Any]
    facts: Facts
    form: Form
    names: Mapping[str, str]
    others: Mapping[str, Any]
    lazy: bool

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> "StepRun":
        """A new run."""
        _shared.no_options(options)
        return StepRun(self, parameters, hypers[0], dtype)


class StepRun(_shared.Keeper):
    """A live run."""

    state = ("theta", "v", "h")

    def __init__(
        self, subject: StepFunction, parameters: Sequence[Array], h: Hyper, dtype: str
    ) -> None:
        self.subject, self.dtype, self.h = subject, dtype, h
        make = subject.form.library.make
        self.shapes = [np.shape(x) for x in parameters]
        self.theta = [make(x, dtype) for x in parameters]
        self.v: list[Any] = [
            None if subject.lazy else make(np.zeros(s), dtype) for s in self.shapes
        ]
        self.given: list[Any] = []

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        self.h = hyper

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step: a call for each parameter, or one for all where it takes lists."""
        subject, form = self.subject, self.subject.form
        known = {
            **_shared.arguments(self.h, subject.names, subject.facts.fixed), **subject.others,
        }  # fmt: skip
        make = form.library.make
        self.given = [make(g, self.dtype) for g in _shared.complete(gradients)]
        if form.many:
            fresh = all(v is None for v in self.v)
            theta, v = form.call(
                subject.function,
                {"theta": self.theta, "v": None if fresh else self.v, "grad": self.given},
                known,
            )
            self.theta, self.v = list(theta), list(v)
        else:
            for i, g in enumerate(self.given):
                values = {"theta": self.theta[i], "v": self.v[i], "grad": g}
                self.theta[i], self.v[i] = form.call(subject.function, values, known)
        for x, v, shape in zip(self.theta, self.v, self.shapes):
            form.check(x, shape, "theta")
            form.check(v, shape, "v")

    def parameters(self) -> list[Array]:
        """Copies as float64."""
        numbers = self.subject.form.library.numbers
        return [
            _shared.read(i, numbers(x), x.dtype, self.dtype, self.shapes[i])
            for i, x in enumerate(self.theta)
        ]

    def fed(self) -> list[Array]:
        """The last gradients, as they read now."""
        return [self.subject.form.library.numbers(g) for g in self.given]

    def overwrite_fed(self) -> None:
        """Fill the last gradients with nan, in place."""
        fill = self.subject.form.library.fill
        assert fill is not None, "not offered where arrays never change"
        for g in self.given:
            fill(g)
