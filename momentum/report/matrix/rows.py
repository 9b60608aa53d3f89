"""One row of the matrix: an implementation under the checks and against the conventions."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from momentum.checks.result import Result, Results
from momentum.conventions import Convention
from momentum.diagnosis.comparing import Cell, compare
from momentum.errors import UsageError
from momentum.report import words
from momentum.report.matrix.implementations import Implementation
from momentum.runner import expectations
from momentum.runner.expectations import Expectation
from momentum.runner.options import Effort, Options
from momentum.runner.results import run
from momentum.subjects.isolation import Lost, stream
from momentum.subjects.protocol import Subject
from momentum.subjects.strangers import in_words, tamed

KINDS = ("passed", "failed", "advice", "expected", "skipped")
"""What a result counts as: advice is a failed or errored check that must not hold."""

COMPARING = 120.0
"""Seconds that a comparison may take."""


@dataclass(frozen=True)
class Setting:
    """How rows are made; rows of another setting are not mixed in. momentum: our version."""

    effort: Effort = "quick"
    seed: int = 0
    momentum: str = ""


@dataclass(frozen=True)
class Row:
    """What became of one implementation.

    families: family -> how many results count as what (KINDS). wrong: failed and advice, each
    with id, kind and evidence. cells: convention -> Cell. lost: why there are no results.
    """

    name: str
    target: str
    settings: Mapping[str, str]
    convention: str
    versions: Mapping[str, str]
    families: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    wrong: tuple[Mapping[str, str], ...] = ()
    cells: Mapping[str, Cell] = field(default_factory=dict)
    lost: str = ""
    seconds: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How many results count as what."""
        return {k: sum(f.get(k, 0) for f in self.families.values()) for k in KINDS}

    def is_of(self, one: Implementation, also: Sequence[Convention] = ()) -> bool:
        """Whether it was made of this implementation as installed, and compared with all these."""
        if self.cells and not {c.name for c in also} <= set(self.cells):
            return False
        return (self.name, self.target, self.convention, dict(self.versions)) == (
            one.name, one.target, one.convention or self.convention, one.versions,
        ) and dict(self.settings) == dict(one.settings)  # fmt: skip

    def to_record(self) -> dict[str, object]:
        """What JSON can hold."""
        return {"record": "row", **asdict(self)}


def known_of(one: Implementation) -> Path:
    """The file of its known failures, which need not be there."""
    return one.home / "expected" / f"{one.name.replace(' ', '_').replace('/', '_')}.toml"


def expected(one: Implementation) -> list[Expectation]:
    """The failures of an implementation that are known, by its name."""
    path = known_of(one)
    return expectations.read(path) if path.exists() else []


def row(
    one: Implementation,
    setting: Setting,
    on_start: Callable[[str, int, int], None] = lambda name, number, total: None,
    also: Sequence[Convention] = (),
) -> Row:
    """Run the checks of an implementation, and compare it; each in processes of its own."""
    started = time.monotonic()
    load = partial(_load, one)
    base = Row(one.name, one.target, dict(one.settings), one.convention, one.versions)
    families: dict[str, Counter[str]] = {}
    wrong: list[Mapping[str, str]] = []
    lost = one.unchecked
    cells: dict[str, Cell] = {}
    try:
        cells = _compared(load, also)
        convention = one.convention or _nearest(cells)
        base = replace(base, convention=convention)
        if not one.unchecked:
            options = Options(dtypes=one.dtypes, effort=setting.effort, seed=setting.seed)
            results = run(load, convention, options, expected(one), on_start=on_start)
            if results.unfinished:
                raise KeyboardInterrupt
            lost = results.broken
            for r in results.results:
                families.setdefault(r.family, Counter())[_kind(r)] += 1
            wrong = [_wrong(results, r) for r in results.results if _kind(r) in _WRONG]
    except UsageError as error:
        lost = str(error)
    return replace(
        base,
        families={f: dict(c) for f, c in families.items()},
        wrong=tuple(wrong),
        cells=cells,
        lost=lost,
        seconds=round(time.monotonic() - started, 1),
    )


def _nearest(cells: Mapping[str, Cell]) -> str:
    """The convention that agrees in most."""
    order = ("same", "partly", "constant")

    def rank(name: str) -> tuple[int, float]:
        kind = cells[name].kind
        return order.index(kind) if kind in order else len(order), cells[name].apart

    return min(cells, key=rank)


_WRONG = ("failed", "advice", "expected")


def _kind(result: Result) -> str:
    if result.verdict == "expected_failure":
        return "expected"
    if not result.bad:
        return result.verdict
    return "failed" if result.level == "must" or result.surprise else "advice"


def _wrong(results: Results, r: Result) -> Mapping[str, str]:
    evidence = r.reason or "; ".join(x for x in (words.evidence(r), words.place(r)) if x)
    return {
        "id": r.id,
        "kind": _kind(r),
        "statement": r.statement,
        "evidence": evidence,
        "reference": r.reference,
    }


def _load(one: Implementation) -> Subject:
    """In the child process: the variables must be set before the framework is imported."""
    os.environ.update(one.environment)
    from momentum.adapters import load

    return load(one.target, one.settings)


def _compared(load: Callable[[], Subject], also: Sequence[Convention]) -> dict[str, Cell]:
    """The comparisons, made in a child process.

    Raises: UsageError where it is lost or the subject cannot be used.
    """

    def work() -> Iterator[dict[str, Cell] | UsageError]:
        try:
            yield compare(load(), also)
        except UsageError as error:
            yield error
        except BaseException as error:  # it runs in a process of its own
            yield UsageError(f"the comparison {in_words(tamed(error))}")

    answer = next(iter(stream(work, COMPARING)))
    if isinstance(answer, UsageError):
        raise answer
    if isinstance(answer, Lost):
        raise UsageError(f"the comparison {answer.reason}")
    return answer
