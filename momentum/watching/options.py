"""What a watch is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from momentum.conventions import Convention
from momentum.watching.reading import Option, options_of
from momentum.watching.sample import Sample


@dataclass(frozen=True)
class Options:
    """See `watch`, which takes them by name.

    Raises: ValueError for a count below 1.
    """

    convention: str | Convention | None = None
    every: int = 1
    sample: Sample = 65536
    redraw: int = 200
    seed: int = 0
    raises: bool = False
    velocity: str | None = None
    hyper: Callable[[Mapping[str, object]], Mapping[str, object]] | None = None
    jsonl: Path | None = None

    def __post_init__(self) -> None:
        given = {"every": self.every, "sample": self.sample, "redraw": self.redraw}
        for name, count in given.items():
            if count != "all" and (not isinstance(count, int) or count < 1):
                raise ValueError(f"{name}={count}: wanted 1 or more")

    def read(self, group: Mapping[str, object]) -> dict[str, Option]:
        """The hyper-parameters of a group."""
        return options_of(group if self.hyper is None else self.hyper(group))
