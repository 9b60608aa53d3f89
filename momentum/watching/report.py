"""What was watched, what was found, and what could have been missed."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from momentum.watching.sample import BLOCK, Sample, odds

# Violations kept in full; beyond these they are counted.
KEPT = 100


@dataclass(frozen=True)
class Violation:
    """A step that left its bound, at its worst coordinate.

    parameter: its name, where names are known. index: position in the flattened tensor, of a
    shard in the local part; coordinate: in the whole parameter. how: against the exact step from
    where the parameter was ("step"), the exact trajectory since watching began ("trajectory"), or
    a step that was to do nothing ("skipped"). wrong: watched coordinates of this parameter beyond
    their bound. cause: what they did, where one sentence fits them all.
    """

    rank: int
    step: int
    group: int
    parameter: str
    index: int
    coordinate: tuple[int, ...]
    how: str
    got: float
    exact: float
    bound: float
    wrong: int
    watched: int
    cause: str = ""

    @property
    def ratio(self) -> float:
        """error / bound."""
        error = abs(self.got - self.exact)
        return error / self.bound if self.bound else float("inf")

    def __str__(self) -> str:
        place = ", ".join(map(str, self.coordinate))
        return (
            f"step {self.step}, rank {self.rank}, group {self.group}, {self.parameter}[{place}] ="
            f" {self.got:.9g}, exact {self.exact:.9g} ({self.how}): error is {self.ratio:.3g} times"
            f" its bound; {self.wrong} of {self.watched} watched elements are wrong"
            f"{f': {self.cause}' if self.cause else ''}"
        )


class WatchError(AssertionError):
    """A step of the optimizer left its bound."""


@dataclass
class WatchReport:
    """The findings of a watch, filled while it runs.

    convention, optimizer: what was held to what. rank, world: which process of how many. every:
    how many steps pass from one comparison to the next. shards: other ranks hold other parts of its
    tensors. steps: taken. verified: compared, with
    something to compare. count: violations, of which the first are kept. ratios: for each compared
    step its worst error / bound. notes: what happened beside the optimizer, and how often.
    names: of the tensors, in the order of a step's `hashes`, the checksums of what was looked at.
    loads: steps after which a state was loaded. velocities: of each load and each parameter that it
    left where it was, whether it brought the velocity that the parameter had. parted: where ranks,
    or the parameters of such a load, differ, in words.
    tensors: of each its elements, its share of the sample, and how often that was drawn.
    unfinished: the process ended before the watch did. told: hears of every record as it is made.
    """

    convention: str
    optimizer: str = ""
    rank: int = 0
    world: int = 1
    every: int = 1
    shards: bool = False
    steps: int = 0
    verified: int = 0
    count: int = 0
    violations: list[Violation] = field(default_factory=list)
    ratios: list[tuple[int, float]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    hashes: "dict[int, array[int]]" = field(default_factory=dict)
    loads: list[int] = field(default_factory=list)
    velocities: dict[int, dict[str, bool]] = field(default_factory=dict)
    parted: str = ""
    tensors: dict[str, tuple[int, Sample, int]] = field(default_factory=dict)
    unfinished: bool = False
    told: Callable[[Mapping[str, object]], None] | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        """Something was verified, and every watched coordinate stayed within its bound."""
        return bool(self.verified and not self.count and not self.parted and not self.unfinished)

    @property
    def worst(self) -> float:
        """The largest error / bound."""
        return max((ratio for _, ratio in self.ratios), default=0.0)

    @property
    def elements(self) -> int:
        """Of all watched tensors."""
        return sum(size for size, _, _ in self.tensors.values())

    @property
    def watched(self) -> int:
        """Coordinates that are looked at in a step."""
        return sum(min(size, size if share == "all" else share)
                   for size, share, _ in self.tensors.values())  # fmt: skip

    def add(self, violation: Violation) -> None:
        """Count a violation; keep it while there are few."""
        self.count += 1
        if len(self.violations) < KEPT:
            self.violations.append(violation)
            self._tell("violation", asdict(violation))

    def note(self, text: str) -> None:
        """Count something that happened beside the optimizer."""
        self.notes[text] = self.notes.get(text, 0) + 1

    def load(self) -> None:
        """A state was loaded, which all ranks should do alike."""
        self.note("the optimizer loaded a state")
        self.loads.append(self.steps)
        self._tell("load", {"step": self.steps})

    def recognised(self, loaded: Mapping[str, bool]) -> None:
        """What the last load brought, which all parameters should share."""
        if not loaded:
            return
        found = self.velocities.setdefault(self.loads[-1], {})
        found.update(loaded)
        self._tell("velocities", {"step": self.loads[-1], "kept": found})
        others = [name for name, kept in found.items() if not kept]
        if len(others) == len(found):
            self.note("a load left the parameters and brought other velocities than they had")
        if 0 < len(others) < len(found):
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            self.parted = (
                f"the state loaded after step {self.loads[-1]} has another velocity for {others[0]}"
                f"{more}, and for {len(found) - len(others)} parameters that which they had"
            )

    def verify(self, step: int, ratio: float, hashes: Mapping[str, int]) -> None:
        """A step was compared."""
        self.names += [name for name in hashes if name not in self.names]
        self.ratios.append((step, ratio))
        row = array("I", (hashes.get(name, 0) for name in self.names))
        self.hashes[step] = row
        self._tell("step", {"step": step, "ratio": ratio, "hashes": dict(hashes)})

    def placed(self, tensors: Mapping[str, tuple[int, Sample, int]]) -> None:
        """The sample was drawn."""
        self.tensors = dict(tensors)
        self._tell("sample", {"tensors": self.tensors})

    def _tell(self, record: str, fields: Mapping[str, object]) -> None:
        if self.told is not None:
            self.told({"record": record, **fields})

    def missed(self) -> str:
        """Chances that what is wrong in a single step, or from then on, was not looked at."""
        if not self.elements:
            return "nothing was watched"
        blocks = sum(-(-size // BLOCK) for size, _, _ in self.tensors.values())
        once = [odds(size, share) for size, share, _ in self.tensors.values()]
        ever = [odds(size, share, draws) for size, share, draws in self.tensors.values()]
        element, later = (sum(x.elements for x in xs) / self.elements for xs in (once, ever))
        block = sum(x.blocks for x in once) / blocks
        again = f", {later:.3g} if it stays wrong" if later != element else ""
        return (
            f"looked at {self.watched} of {self.elements} elements in {len(self.tensors)} tensors:"
            f" one wrong element is missed with probability {element:.3g}{again}, one wrong block"
            f" of {BLOCK} with {block:.3g}, this rank as a whole with {0 if self.verified else 1}"
        )

    @property
    def verdict(self) -> str:
        """One word, or two."""
        if self.count or self.parted:
            return "FAILED"
        if self.unfinished:
            return "unfinished"
        return "passed" if self.verified else "nothing verified"

    @property
    def summary(self) -> str:
        """One line."""
        return (
            f"{self.verdict}: {self.optimizer} held to {self.convention}, {self.verified} of"
            f" {self.steps} steps verified; worst error {self.worst:.3g} of its bound"
        )

    def __str__(self) -> str:
        lines = [self.summary, self.missed()]
        lines += [f"{count} times: {text}" for text, count in self.notes.items()]
        lines += [self.parted] if self.parted else []
        if self.count:
            lines.append(f"{self.count} violations, the first:")
            lines += [f"  {v}" for v in self.violations[:5]]
        return "\n".join(lines)

    def write(self, path: str | Path) -> None:
        """The report as JSON lines, or as a page where the name ends in .html.

        Raises: UsageError where the file cannot be written.
        """
        from momentum.runner import files
        from momentum.watching import page, records

        target = Path(path)
        text = page.render([self]) if target.suffix == ".html" else records.text(self)
        files.replace(target, text)
