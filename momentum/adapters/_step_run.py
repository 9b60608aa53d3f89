"""One run of a step function on NumPy arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient, SubjectError


class StepRun(_shared.Keeper):
    """A Run; `subject` holds the function and what it takes."""

    state = ("theta", "v", "h")

    def __init__(self, subject: Any, parameters: Sequence[Array], h: Hyper, dtype: str) -> None:
        self.subject, self.dtype, self.h = subject, _dtype(dtype), h
        self.theta = [np.array(x, dtype=self.dtype) for x in parameters]
        self.v: list[Any] = [None if subject.lazy else np.zeros_like(x) for x in self.theta]
        self.shapes = [x.shape for x in self.theta]
        self.given: list[Any] = []

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def step(self, gradients: Sequence[Gradient]) -> None:
        subject = self.subject
        known = _shared.arguments(self.h, subject.names, subject.facts.fixed) | subject.others
        self.given = [np.array(g, dtype=self.dtype) for g in _shared.complete(gradients)]
        for i, g in enumerate(self.given):
            answer = subject.function(self.theta[i], self.v[i], g, **known)
            if not isinstance(answer, tuple) or len(answer) != 2:
                raise SubjectError(f"returned {type(answer).__name__}, wanted (theta, v)")
            for which, x in zip(("theta", "v"), answer):
                if not isinstance(x, (np.ndarray, np.generic)) or x.shape != self.shapes[i]:
                    got = getattr(x, "shape", type(x).__name__)
                    raise SubjectError(f"returned {which} of shape {got}, wanted {self.shapes[i]}")
            self.theta[i], self.v[i] = answer

    def parameters(self) -> list[Array]:
        return _shared.read_all(self.theta, str(self.dtype), self.shapes)

    def fed(self) -> list[Array]:
        return [np.array(g, dtype=np.float64) for g in self.given]

    def overwrite_fed(self) -> None:
        for g in self.given:
            g.fill(np.nan)


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        # Optional, and not there where the types are checked.
        import ml_dtypes  # type: ignore[import-not-found,unused-ignore]

        name = ml_dtypes.bfloat16
    return np.dtype(name)
