"""The control of every run: a twin of the subject that is known to be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from momentum.arithmetic import format_of
from momentum.subjects.offers import FullRun, Gradients, Hypers
from momentum.subjects.protocol import Array, Gradient, Subject
from momentum.subjects.trial import Restated


def twin_of(subject: Subject) -> Subject:
    """The subject, fed one and a half times each gradient behind the oracle's back."""
    return Restated(subject, subject.facts, TwinRun)


@dataclass(frozen=True)
class TwinRun:
    """A run that hands on wrong gradients and everything else untouched."""

    run: FullRun
    dtype: str

    def step(self, gradients: Gradients) -> None:
        """One step with the wrong gradients."""
        self.run.step(self._wrong(gradients))

    def steps(
        self, gradients: Sequence[Gradients], hypers: Sequence[Hypers]
    ) -> Sequence[Sequence[Array]]:
        """Many steps with wrong gradients, of a run that offers to take them at once."""
        return self.run.steps([self._wrong(row) for row in gradients], hypers)

    def _wrong(self, gradients: Gradients) -> list[Gradient]:
        format = format_of(self.dtype)
        return [None if g is None else format.round(1.5 * g) for g in gradients]

    def __getattr__(self, name: str) -> object:
        return getattr(self.run, name)
