"""Steps that are taken in another way than by a plain call: what goes wrong in them alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from momentum.subjects.protocol import Facts, Gradient, Subject

STEPS: Mapping[str, tuple[str, str]] = {
    "closure": ("step_closure", "through a closure"),
    "refill": ("refill", "where gradients are written into the memory of the last ones"),
    "sparse": ("step_sparse", "with sparse gradients"),
}
"""By the offer that it takes: how a step is taken, and the same in words."""


@dataclass(frozen=True)
class Otherwise:
    """A subject whose steps are all taken in that way."""

    of: Subject
    way: str

    @property
    def facts(self) -> Facts:
        """The subject's own; steps are taken one by one."""
        return replace(self.of.facts, at_once=False)

    def start(self, *arguments: Any, **named: Any) -> "OtherRun":
        """A run."""
        return OtherRun(self.of.start(*arguments, **named), self.way)


class OtherRun:
    """One run; all but its steps are those of the run inside."""

    def __init__(self, run: Any, way: str) -> None:
        self.run, self.way = run, way

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step, in that way."""
        getattr(self.run, STEPS[self.way][0])(gradients)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)
