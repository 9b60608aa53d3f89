"""What was watched, what was found, and what could have been missed."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

# Violations kept in full; beyond these they are counted.
KEPT = 100


@dataclass(frozen=True)
class Violation:
    """A step that left its bound, at its worst coordinate.

    parameter: its name, where names are known. index: position in the flattened tensor (the local
    shard). how: against the exact step from where the parameter was ("step"), or the exact
    trajectory since watching began ("trajectory"). wrong: watched coordinates of this parameter
    beyond their bound. moved: what the watched coordinates did, where one word fits them all.
    """

    rank: int
    step: int
    group: int
    parameter: str
    index: int
    how: str
    got: float
    exact: float
    bound: float
    wrong: int
    watched: int
    moved: str = ""

    @property
    def ratio(self) -> float:
        """error / bound."""
        error = abs(self.got - self.exact)
        return error / self.bound if self.bound else float("inf")

    def __str__(self) -> str:
        where = f"rank {self.rank}, " if self.rank else ""
        cause = f"; {self.moved}" if self.moved else ""
        return (
            f"step {self.step}, {where}group {self.group}, {self.parameter}[{self.index}] ="
            f" {self.got:.9g}, exact {self.exact:.9g} ({self.how}): error is {self.ratio:.3g} times"
            f" its bound; {self.wrong} of {self.watched} watched elements are wrong{cause}"
        )


class WatchError(AssertionError):
    """A step of the optimizer left its bound."""


@dataclass
class WatchReport:
    """The findings of a watch, filled while it runs.

    convention, steps (that were taken), verified (that were compared); ratios: for each verified
    step its worst error / bound. violations: the first ones, `count` of all. notes: what happened
    beside the optimizer. parted: first step at which replicas on two ranks differ.
    """

    convention: str
    rank: int = 0
    steps: int = 0
    verified: int = 0
    count: int = 0
    violations: list[Violation] = field(default_factory=list)
    ratios: list[tuple[int, float]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    tensors: int = 0
    elements: int = 0
    watched: int = 0
    blocks: int = 0
    blocks_watched: int = 0
    parted: str = ""

    @property
    def passed(self) -> bool:
        """Something was verified, and every watched coordinate stayed within its bound."""
        return self.verified > 0 and not self.count and not self.parted

    @property
    def worst(self) -> float:
        """The largest error / bound."""
        return max((ratio for _, ratio in self.ratios), default=0.0)

    def add(self, violation: Violation) -> None:
        """Count a violation; keep it while there are few."""
        self.count += 1
        if len(self.violations) < KEPT:
            self.violations.append(violation)

    def note(self, text: str) -> None:
        """Count something that happened beside the optimizer."""
        self.notes[text] = self.notes.get(text, 0) + 1

    def missed(self) -> str:
        """Chances that a single wrong element, and a single wrong block, were not looked at."""
        if not self.elements:
            return "nothing was watched"
        element = 1 - self.watched / self.elements
        block = 1 - self.blocks_watched / self.blocks
        return (
            f"looked at {self.watched} of {self.elements} elements in {self.tensors} tensors: one"
            f" wrong element was missed with probability {element:.3g}, one wrong block of 1024"
            f" with {block:.3g}"
        )

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED" if self.verified else "nothing verified"
        lines = [
            f"{verdict}: {self.verified} of {self.steps} steps verified under {self.convention};"
            f" worst error {self.worst:.3g} of its bound",
            self.missed(),
        ]
        lines += [f"{count} times: {text}" for text, count in self.notes.items()]
        lines += [self.parted] if self.parted else []
        if self.count:
            lines.append(f"{self.count} violations, the first:")
            lines += [f"  {v}" for v in self.violations[:5]]
        return "\n".join(lines)

    def text(self) -> str:
        """The report as JSON lines: a header, then one line for each violation kept."""
        head = {k: v for k, v in asdict(self).items() if k != "violations"}
        lines = [{"kind": "watch", **head}]
        lines += [{"kind": "violation", **asdict(v)} for v in self.violations]
        return "".join(json.dumps(line) + "\n" for line in lines)

    def write(self, path: str | Path) -> None:
        """Write that text into a file."""
        Path(path).write_text(self.text(), encoding="utf-8")
