"""The control of every run: a twin of the subject that is known to be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Gradient, Subject


@dataclass(frozen=True)
class Twin:
    """The subject, fed one and a half times each gradient behind the oracle's back."""

    subject: Subject

    @property
    def facts(self) -> Facts:
        """Those of the subject."""
        return self.subject.facts

    def start(
        self, parameters: Sequence[Array], hypers: Sequence[Hyper], dtype: str, *more: Any
    ) -> "TwinRun":
        """A run of the subject behind the twin's face."""
        return TwinRun(self.subject.start(parameters, hypers, dtype, *more), dtype)


@dataclass(frozen=True)
class TwinRun:
    """A run that hands on wrong gradients and everything else untouched."""

    run: Any
    dtype: str

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step with the wrong gradients."""
        self.run.step(self._wrong(gradients))

    def steps(self, gradients: Sequence[Sequence[Gradient]], hypers: Any) -> Any:
        """Many steps with wrong gradients, of a run that offers to take them at once."""
        return self.run.steps([self._wrong(row) for row in gradients], hypers)

    def _wrong(self, gradients: Sequence[Gradient]) -> list[Gradient]:
        format = format_of(self.dtype)
        return [None if g is None else format.round(1.5 * g) for g in gradients]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)
