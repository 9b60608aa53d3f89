"""The plainest subject: one group of parameters and no options."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, SubjectError

Begin = Callable[[Sequence[Array], Hyper, str], Any]
"""begin(parameters, hyper, dtype) -> Run."""


@dataclass(frozen=True)
class PlainSubject:
    """A subject without groups and options of `start`."""

    facts: Facts
    begin: Begin

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """A new run.

        Raises: SubjectError where groups or options are asked for.
        """
        if options or len(hypers) != 1:
            raise SubjectError(f"has one group and no options, got {len(hypers)} and {options}")
        return self.begin(parameters, hypers[0], dtype)
