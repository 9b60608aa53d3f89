"""Steps that are taken in another way than by a plain call: what goes wrong in them alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from momentum.subjects.offers import FullRun, Gradients
from momentum.subjects.protocol import Subject
from momentum.subjects.trial import Restated

STEPS: Mapping[str, tuple[Callable[[FullRun, Gradients], object], str]] = {
    "closure": (lambda run, fed: run.step_closure(fed), "through a closure"),
    "refill": (
        lambda run, fed: run.refill(fed),
        "where gradients are written into the memory of the last ones",
    ),
    "sparse": (lambda run, fed: run.step_sparse(fed), "with sparse gradients"),
}
"""By the offer that it takes: how a step is taken, and the same in words."""


def otherwise(subject: Subject, way: str) -> Subject:
    """The subject, whose steps are all taken in that way, one by one."""
    facts = replace(subject.facts, at_once=False)
    return Restated(subject, facts, lambda run, dtype: OtherRun(run, way))


@dataclass(frozen=True)
class OtherRun:
    """One run; all but its steps are those of the run inside."""

    run: FullRun
    way: str

    def step(self, gradients: Gradients) -> None:
        """One step, in that way."""
        STEPS[self.way][0](self.run, gradients)

    def __getattr__(self, name: str) -> object:
        return getattr(self.run, name)
