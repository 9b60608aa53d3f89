"""Run checks on a subject. Prints nothing, writes nothing."""

import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from typing import Any, Literal

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from momentum.checks import CHECKS, Check
from momentum.conventions import Convention, get
from momentum.expectations import Expectation
from momentum.isolation import Lost, stream
from momentum.observation import Measured
from momentum.problems import Problem
from momentum.problems.strategies import EFFORTS, Setting
from momentum.subject import Subject
from momentum.twin import Twin

Verdict = Literal["passed", "failed", "errored", "skipped", "expected_failure"]
VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "errored", "skipped", "expected_failure")

CONTROL = "agrees_with_oracle"
SHRINKS = {"quick": 40, "normal": 80, "deep": 400}
"""Problems tried to make a failure smaller."""


@dataclass(frozen=True)
class Result:
    """What became of one check in one dtype, with its worst measurement.

    problem: text of the problem (Problem.from_text) that gave it. step counts from 1.
    """

    check: str
    dtype: str
    family: str
    level: str
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

    @property
    def id(self) -> str:
        """`agrees_with_oracle[float32]`."""
        return f"{self.check}[{self.dtype}]"

    @property
    def bad(self) -> bool:
        """Failed or errored."""
        return self.verdict in ("failed", "errored")


@dataclass(frozen=True)
class Header:
    """What was run, on what."""

    target: str
    convention: str
    formula: tuple[str, ...]
    seed: int
    effort: str
    dtypes: tuple[str, ...]
    identified: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""


@dataclass(frozen=True)
class Results:
    """A whole run. broken: why the run itself cannot be trusted, empty where it can."""

    header: Header
    results: tuple[Result, ...]
    broken: str = ""
    stale: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many results have each of the five verdicts."""
        return {v: sum(r.verdict == v for r in self.results) for v in VERDICTS}

    def exit_code(self, strict: bool = False) -> int:
        """0: all right or as expected; 1: a must check failed or errored; 3: nothing ran."""
        if self.broken:
            return 1
        if not any(r.verdict != "skipped" for r in self.results):
            return 3
        wrong = [r for r in self.results if r.bad and (strict or r.level == "must")]
        return 1 if wrong or (strict and self.stale) else 0


class _Failing(AssertionError):
    """A measurement beyond its bound, on its way through Hypothesis."""


class Broken(Exception):
    """The subject cannot be run at all."""


@dataclass(frozen=True)
class Options:
    """How to run: which checks, how hard, with which seed."""

    dtypes: tuple[str, ...] = ()
    effort: str = "normal"
    seed: int = 0
    only: tuple[str, ...] = ()
    time_limit: float = 60.0


def run_check(
    check: Check,
    subject: Subject,
    convention: Convention,
    dtype: str,
    effort: str = "normal",
    seed_: int = 0,
) -> Result:
    """One check in one dtype: the problems it names, then random ones, the failure made small."""
    base = Result(
        check.name, dtype, check.family, check.level, check.statement, check.source.text, "passed"
    )
    reason = check.why_not(subject.facts, convention)
    if reason is not None:
        return replace(base, verdict="skipped", reason=reason)
    search = _Search(check, subject, convention, SHRINKS[effort])
    setting = Setting.of(subject, convention, dtype, effort)
    try:
        for problem in check.always(setting):
            search.measure(problem)
        if check.random is not None:
            _explore(search.measure, check.random(setting), EFFORTS[effort], seed_)
    except _Failing:
        pass
    except Exception as error:
        return replace(
            search.result(base), verdict="errored", reason=_in_words(error), problems=search.tried
        )
    if not search.tried:
        return replace(base, verdict="skipped", reason="no problem fits the subject")
    return search.result(base)


def _in_words(error: BaseException) -> str:
    """The exception and the innermost line that is not ours."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    at = f" (line {last.lineno} of {last.filename.rpartition('/')[2]})" if last else ""
    text = " ".join(str(error).split())
    return f"raised {type(error).__name__}: {text[:300]}{at}"


class _Search:
    """Measures problems, remembers the worst, and the failures so that shrinking stays cheap."""

    def __init__(
        self, check: Check, subject: Subject, convention: Convention, shrinks: int
    ) -> None:
        self.check, self.subject, self.convention = check, subject, convention
        self.left = shrinks
        self.tried = 0
        self.worst: tuple[Measured, Problem] | None = None
        self.failures: dict[str, tuple[Measured, Problem]] = {}

    def measure(self, problem: Problem) -> None:
        """Raises: _Failing where a measurement is beyond its bound."""
        text = problem.to_text()
        if text not in self.failures:
            if self.failures:
                if self.left <= 0:
                    return
                self.left -= 1
            worst = None
            for measured in self.check.measure(self.subject, self.convention, problem):
                if worst is None or measured.ratio > worst.ratio:
                    worst = measured
                if measured.ratio > 1:
                    self.failures[text] = (measured, problem)
                    break
            self.tried += worst is not None
            if worst is not None and (self.worst is None or worst.ratio > self.worst[0].ratio):
                self.worst = (worst, problem)
        if text in self.failures:
            self.worst = self.failures[text]
            raise _Failing

    def result(self, base: Result) -> Result:
        if self.worst is None:
            return base
        measured, problem = self.worst
        return replace(
            base,
            verdict="failed" if measured.ratio > 1 else "passed",
            error=float(measured.error),
            bound=float(measured.bound),
            ratio=float(measured.ratio),
            step=measured.step,
            how=measured.how,
            where=measured.where,
            problem=problem.to_text(),
            problems=self.tried,
        )


def _explore(
    measure: Callable[[Problem], None],
    strategy: st.SearchStrategy[Problem],
    examples: int,
    seed_: int,
) -> None:
    """Random problems by Hypothesis, and its shrinking of the first failure."""

    @seed(seed_)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(strategy)
    def probe(problem: Problem) -> None:
        measure(problem)

    probe()


def selected(only: Sequence[str]) -> list[Check]:
    """The checks of these names or families, all where none is given.

    Raises: ValueError for a name that is neither.
    """
    known = set(CHECKS) | {c.family for c in CHECKS.values()}
    for name in only:
        if name.partition("[")[0] not in known:
            raise ValueError(f"unknown check {name!r}; --list shows them")
    names = {name.partition("[")[0] for name in only}
    return [c for c in CHECKS.values() if not only or c.name in names or c.family in names]


def jobs(subject: Subject, options: Options) -> list[tuple[Check, str]]:
    """Every check with every dtype that it is to run in."""
    claimed = subject.facts.dtypes
    for dtype in options.dtypes:
        if dtype not in claimed:
            raise ValueError(f"{subject.facts.name} does not claim {dtype}: {', '.join(claimed)}")
    dtypes = options.dtypes or claimed
    wanted = {name for name in options.only if "[" in name}
    pairs = [
        (check, dtype)
        for check in selected(options.only)
        for dtype in (dtypes if check.every_dtype else dtypes[:1])
    ]
    return [
        (c, d)
        for c, d in pairs
        if not wanted
        or f"{c.name}[{d}]" in wanted
        or c.name not in {w.partition("[")[0] for w in wanted}
    ]


def session(
    load: Callable[[], Subject],
    convention: str | Convention | None,
    options: Options,
    skip: int = 0,
) -> Iterator[Any]:
    """The run itself: a Header, then for each job its (check, dtype) and its Result.

    Yields ("broken", reason) and ends where the control, a known-wrong twin, does not fail.
    """
    subject = load()
    chosen, identified = _chosen(subject, convention)
    todo = jobs(subject, options)
    yield header(subject, chosen, options, identified)
    if todo and not skip:
        control = run_check(
            CHECKS[CONTROL], Twin(subject), chosen, todo[0][1], "quick", options.seed
        )
        if control.verdict == "passed":
            yield "broken", f"a known-wrong twin of the subject passed {CONTROL}"
            return
    for check, dtype in todo[skip:]:
        yield check.name, dtype
        yield run_check(check, subject, chosen, dtype, options.effort, options.seed)


def _chosen(subject: Subject, convention: str | Convention | None) -> tuple[Convention, bool]:
    if convention is not None:
        return get(convention), False
    from momentum.identify import identify

    return identify(subject).nearest, True


def header(subject: Subject, convention: Convention, options: Options, identified: bool) -> Header:
    """Versions of everything that had a part in the run."""
    names = {"momentum-oracle": "momentum", "numpy": "numpy", "hypothesis": "hypothesis"}
    names |= {"torch": "torch", "jax": "jax", "optax": "optax", "keras": "keras", "mlx": "mlx"}
    names |= {"scikit-learn": "sklearn", "tinygrad": "tinygrad", "python-flint": "flint"}
    versions = {"python": platform.python_version()}
    for distribution, module in names.items():
        if module in sys.modules:
            try:
                versions[distribution] = metadata.version(distribution)
            except metadata.PackageNotFoundError:
                versions[distribution] = str(getattr(sys.modules[module], "__version__", "?"))
    return Header(
        target=subject.facts.name,
        convention=convention.full_name,
        formula=convention.formula,
        seed=options.seed,
        effort=options.effort,
        dtypes=options.dtypes or subject.facts.dtypes,
        identified=identified,
        versions=versions,
        platform=platform.platform(),
    )


def run(
    load: Callable[[], Subject],
    convention: str | Convention | None = None,
    options: Options | None = None,
    expected: Sequence[Expectation] = (),
    on_header: Callable[[Header], None] = lambda h: None,
    on_result: Callable[[Result], None] = lambda r: None,
    isolated: bool = True,
) -> Results:
    """Run the checks on the subject that `load` gives, each in a child process that may die.

    Raises: UsageError or ValueError from `load` or for options that do not fit;
    Broken where the subject dies before its first check.
    """
    options = options or Options()
    found: Header | None = None
    results: list[Result] = []
    broken = ""
    while True:
        current: tuple[str, str] | None = None
        lost: Lost | None = None
        skip = len(results)
        source = lambda skip=skip: _guarded(load, convention, options, skip)  # noqa: E731 - one use
        items = stream(source, options.time_limit) if isolated else source()
        for item in items:
            if isinstance(item, Header):
                if found is None:
                    found = item
                    on_header(item)
            elif isinstance(item, Result):
                results.append(_expected(item, expected))
                on_result(results[-1])
                current = None
            elif isinstance(item, Lost):
                lost = item
            elif isinstance(item, Exception):
                raise item
            elif item[0] == "broken":
                broken = item[1]
            else:
                current = item
        if lost is None or found is None:
            break
        if current is None:
            raise Broken(f"{found.target} {lost.reason} between two checks")
        check = CHECKS[current[0]]
        results.append(
            _expected(
                Result(
                    check.name, current[1], check.family, check.level, check.statement,
                    check.source.text, "errored", lost.reason,
                ),
                expected,
            )
        )  # fmt: skip
        on_result(results[-1])
    if found is None:
        raise Broken(
            f"the subject {lost.reason if lost else 'gave no answer'} before its first check"
        )
    ids = {r.id for r in results}
    partial = bool(options.only or options.dtypes)
    stale = () if partial else tuple(e.id for e in expected if e.id not in ids)
    return Results(found, tuple(results), broken, stale)


def _guarded(
    load: Callable[[], Subject], convention: Any, options: Options, skip: int
) -> Iterator[Any]:
    """The session, with an error at the door as its last item."""
    from momentum.errors import UsageError

    try:
        yield from session(load, convention, options, skip)
    except (UsageError, ValueError) as error:
        yield UsageError(str(error))


def _expected(result: Result, expected: Sequence[Expectation]) -> Result:
    """An expected failure is marked as one; one that passes is a failure."""
    for expectation in expected:
        if expectation.id != result.id or result.verdict == "skipped":
            continue
        if result.bad:
            return replace(
                result,
                verdict="expected_failure",
                reason=expectation.reason,
                reference=expectation.reference,
            )
        return replace(
            result,
            verdict="failed",
            reason=f"was expected to fail ({expectation.reason}) and passed: remove the entry",
        )
    return result


def as_record(result: Result) -> dict[str, Any]:
    """A result as plain data, infinities as text."""
    record = asdict(result) | {"id": result.id}
    return {
        k: (str(v) if isinstance(v, float) and not np.isfinite(v) else v) for k, v in record.items()
    }
