"""One run of a step function, on arrays of its library."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._forms import Form
from momentum.adapters._run import ArrayRun
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array


@dataclass(frozen=True)
class StepFunction:
    """What is known of it. names: our hyper-parameters -> its own. lazy: it makes the first v."""

    function: Callable[..., Any]
    form: Form
    names: Mapping[str, str]
    fixed: Mapping[str, object]
    others: Mapping[str, object]
    lazy: bool


class StepRun(ArrayRun):
    """A live run."""

    state = ("theta", "v", "h")

    def __init__(
        self, said: StepFunction, parameters: Sequence[Array], h: Hyper, dtype: str
    ) -> None:
        library = said.form.library
        super().__init__(library, parameters, dtype)
        self.said, self.h = said, h
        self.v = [None if said.lazy else library.make(np.zeros(s), dtype) for s in self.shapes]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def advance(self) -> None:
        """A call for each parameter, or one for all where it takes lists."""
        said, form = self.said, self.said.form
        known = {**_shared.arguments(self.h, said.names, said.fixed), **said.others}
        if form.many:
            fresh = all(v is None for v in self.v)
            theta, v = form.call(
                said.function,
                {"theta": self.theta, "v": None if fresh else self.v, "grad": self.grads},
                known,
            )
            self.theta, self.v = list(theta), list(v)
        else:
            for i, g in enumerate(self.grads):
                values = {"theta": self.theta[i], "v": self.v[i], "grad": g}
                self.theta[i], self.v[i] = form.call(said.function, values, known)
        for x, v, shape in zip(self.theta, self.v, self.shapes):
            form.check(x, shape, "theta")
            form.check(v, shape, "v")
