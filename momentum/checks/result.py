"""Records of a run: what was tried, what became of each check, and the verdict over all."""

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Literal, get_args

import momentum
from momentum import adapters

Verdict = Literal["passed", "failed", "errored", "skipped", "expected_failure", "no_claim"]
ITSELF = "the problem that it starts from is right in a plain run"
"""The explanation of a failure that is no other than its check's own sentence not being so."""

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

MIXED = re.compile(r"\bparameter \d+ in (\w+)(?:\[[^]]*\])?, formats ")
"""Where a number of a run in several formats stands, as `in_formats` says it."""


@dataclass(frozen=True)
class Series:
    """One coordinate of a run, step by step: where the subject went, and where it should have gone.

    steps: numbers of the steps, from 1. got: the subject. exact, bound: the exact trajectory and
    how far rounding may lead from it. step_error, step_bound: the same for each single step, taken
    from the subject's own last iterate. Shapes: all of one length.
    """

    where: str
    note: str
    start: float
    steps: tuple[int, ...]
    got: tuple[float, ...]
    exact: tuple[float, ...]
    bound: tuple[float, ...]
    step_error: tuple[float, ...]
    step_bound: tuple[float, ...]

    @property
    def right(self) -> bool:
        """No step shown is beyond its bound."""
        pairs = zip(self.got, self.exact, self.bound, self.step_error, self.step_bound)
        return all(abs(x - y) <= b and e <= s for x, y, b, e, s in pairs)

    def __post_init__(self) -> None:
        columns = (self.got, self.exact, self.bound, self.step_error, self.step_bound)
        if any(len(column) != len(self.steps) for column in columns):
            raise ValueError("a series has columns of several lengths")


@dataclass(frozen=True)
class Result:
    """What became of one check in one dtype, with its worst measurement.

    problem: text of the problem (Problem.from_text) that gave it. step counts from 1.
    ratios: the worst error / bound of each way to compare ("trajectory", "step").
    surprise: it was expected to fail, and passed. power: the smallest relative error of each
    hyper-parameter that would have failed it, where it was held to the oracle and passed.
    shared: the base class of the framework, where that alone fails as the subject does.
    """

    check: str
    dtype: str
    family: str
    level: Literal["must", "should"]
    statement: str
    source: str
    verdict: Verdict
    reason: str = ""
    reference: str = ""
    error: float = 0.0
    bound: float = 0.0
    ratio: float = 0.0
    step: int = 0
    how: str = ""
    where: str = ""
    problem: str = ""
    explanation: str = ""
    problems: int = 0
    ratios: Mapping[str, float] = field(default_factory=dict)
    series: Series | None = None
    surprise: bool = False
    power: Mapping[str, float] = field(default_factory=dict)
    shared: str = ""

    @property
    def id(self) -> str:
        """`agrees_with_oracle[float32]`."""
        return f"{self.check}[{self.dtype}]"

    @property
    def shown_in(self) -> str:
        """The format of the number that was farthest off, where its run has several."""
        mixed = MIXED.search(self.where)
        return mixed[1] if mixed else self.dtype

    @property
    def bad(self) -> bool:
        """Failed or errored."""
        return self.verdict in ("failed", "errored")


@dataclass(frozen=True)
class Header:
    """What was run, on what.

    arguments: words of a command line that name the subject, `("torch.optim:SGD",)`.
    asked: the name by which the convention was asked for, empty where it was identified from the
    subject's behaviour. doubt: why it is no more than the nearest one, or may not have been meant.
    left: dtypes that are not judged, with the reason. called: how the subject is, where that is
    another way than the usual one.
    """

    target: str
    convention: str
    formula: tuple[str, ...]
    seed: int
    effort: str
    dtypes: tuple[str, ...]
    asked: str = ""
    doubt: str = ""
    left: Mapping[str, str] = field(default_factory=dict)
    called: str = ""
    arguments: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""


@dataclass(frozen=True)
class Results:
    """A whole run.

    broken: why the run cannot be trusted, empty where it can. control: what the known-wrong twin
    did. stale: expectations that match nothing. unfinished: why it did not come to its end.
    unexplained: why causes were not looked for to the end. impulse: the subject's answer to a
    single gradient of one. power: by dtype, the smallest relative error of each hyper-parameter
    that the run would have failed.
    """

    header: Header
    results: tuple[Result, ...]
    broken: str = ""
    stale: tuple[str, ...] = ()
    control: str = ""
    unfinished: str = ""
    unexplained: str = ""
    impulse: Series | None = None
    power: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many results have each of the verdicts."""
        return {v: sum(r.verdict == v for r in self.results) for v in VERDICTS}

    def wrong(self, strict: bool = False) -> tuple[Result, ...]:
        """Results that spoil the verdict."""
        return tuple(
            r for r in self.results if r.bad and (strict or r.level == "must" or r.surprise)
        )

    def exit_code(self, strict: bool = False) -> int:
        """0: all right or as expected; 1: a must check failed or errored; 3: nothing was judged.

        What is only advice, and what makes no claim, judges nothing.
        """
        if self.broken or self.wrong(strict):
            return 1
        if not any(r.verdict in ("passed", "expected_failure") for r in self.results):
            return 3
        return 1 if self.unfinished or (strict and self.stale) else 0

    def verdict(self, strict: bool = False) -> str:
        """The outcome in one word: passed, failed, broken, interrupted, or nothing ran."""
        if self.broken:
            return "broken"
        if self.wrong(strict):
            return "failed"
        if self.unfinished:
            return "unfinished"
        return {0: "passed", 1: "failed", 3: "nothing ran"}[self.exit_code(strict)]


def versions() -> dict[str, str]:
    """Of everything that has a part in the run."""
    ours = {"momentum-oracle": momentum.__version__, "python": platform.python_version()}
    beside = {name: metadata.version(name) for name in ("numpy", "python-flint", "hypothesis")}
    return {**ours, **beside, **adapters.versions()}
