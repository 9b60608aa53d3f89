"""One check in one dtype: the problems it names, then random ones, the failure made small."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from momentum.checks import Check, Trial
from momentum.checks.result import Result
from momentum.conventions import Convention
from momentum.runner.series import furthest
from momentum.subjects.isolation.child import is_exhaustion
from momentum.subjects.judge import Measured, power
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import EFFORTS, Setting
from momentum.subjects.protocol import Subject
from momentum.subjects.refusals import Refusals
from momentum.subjects.strangers import in_words

SHRINKS = {"quick": 40, "normal": 80, "deep": 400}
"""Problems tried to make a failure smaller."""

NO_CLAIM = "the bound of rounding is wider than the movement: standing still would have passed"

WHOLE = "agrees_with_oracle"
"""The check that stands for its dtype: it tells the power, and catches the known-wrong twin."""


def blank(check: Check, dtype: str) -> Result:
    """The result of a check before it has run."""
    return Result(
        check=check.name,
        dtype=dtype,
        family=check.family,
        level=check.level,
        statement=check.statement,
        source=check.source,
        verdict="passed",
    )


def run_check(
    check: Check,
    subject: Subject,
    convention: Convention,
    dtype: str,
    effort: str = "normal",
    seed_: int = 0,
    only: Problem | None = None,
    note: Callable[[str], None] = lambda text: None,
    shrinks: int | None = None,
    powers: bool = True,
) -> Result:
    """One check in one dtype.

    only: a problem to measure instead of all others. shrinks: problems tried to make a failure
    smaller, by the effort where None. powers: what passed tells its power. note: is told the text
    of each problem before it is tried, so that one which kills the process can be named.
    Raises: OutOfMemory.
    """
    base = blank(check, dtype)
    if reason := check.why_not(subject.facts, convention):
        return replace(base, verdict="skipped", reason=reason)
    budget = SHRINKS[effort] if shrinks is None else shrinks
    search = _Search(check, subject, convention, budget, note)
    try:
        if only is not None:
            search.measure(only)
        else:
            setting = Setting.of(subject, convention, dtype, effort)
            for problem in check.always(setting):
                search.measure(problem, reduce=True)
            if check.random is not None:
                _explore(search.measure, check.random(setting), EFFORTS[effort], seed_)
    except _Failing:
        pass
    except Exception as error:
        # A subject that does not repeat itself upsets Hypothesis; what it did wrong is known.
        if search.last is None:
            return replace(base, verdict="errored", reason=in_words(error), problems=search.tried)
    result = search.result(base)
    if result.verdict == "failed" or (only is not None and result.verdict == "passed"):
        shown = furthest(subject, convention, Problem.from_text(result.problem))
        # A plain run that is right shows nothing of a law that failed.
        if shown is not None and not (result.verdict == "failed" and shown.right):
            result = replace(result, series=shown)
    if powers and result.verdict == "passed" and search.judged:
        most = len(search.judged) if check.name == WHOLE else 1  # else the longest one
        longest = sorted(search.judged, key=lambda p: -p.steps)[:most]
        suffix = subject.facts.format_name("")
        result = replace(result, power=power(convention, longest, suffix))
    return result


def forget_local_constants() -> None:
    """Draw the same problems wherever this process runs.

    Hypothesis mixes in constants that it reads from the code around, and keeps notes of them in
    the working directory.
    """
    from hypothesis.internal.conjecture import providers

    none = getattr(providers, "_local_constants", None)
    if none is not None:
        setattr(providers, "_get_local_constants", lambda: none)  # noqa: B010 - not declared


class OutOfMemory(BaseException):  # so that Hypothesis does not try it again and again
    """The subject took all memory that there was; in words."""


class _Failing(AssertionError):
    """A measurement beyond its bound, or an exception, on its way through Hypothesis."""


class _Finding(NamedTuple):
    problem: Problem
    measured: Measured | None
    reason: str = ""


class _Search:
    """Measures problems, remembers the worst, and the failures so that shrinking stays cheap."""

    def __init__(
        self,
        check: Check,
        subject: Subject,
        convention: Convention,
        shrinks: int,
        note: Callable[[str], None],
    ) -> None:
        self.check, self.subject, self.convention = check, subject, convention
        self.left, self.note = shrinks, note
        self.refusals = Refusals(subject)
        self.refused: dict[str, None] = {}
        self.unfit: dict[str, None] = {}
        self.tried = 0
        self.claims = False
        self.judged: list[Problem] = []
        self.worst: _Finding | None = None
        self.ratios: dict[str, float] = {}
        self.known: dict[str, _Finding] = {}
        self.last: _Finding | None = None

    def measure(self, problem: Problem, reduce: bool = False) -> None:
        """Raises: _Failing where a measurement is beyond its bound or the subject raises."""
        text = problem.to_text()
        found = self.known.get(text)
        if found is None:
            if self.known:
                if self.left <= 0:
                    return
                self.left -= 1
            found = self._tried(problem, text)
            if found is None:
                return
            self.known[text] = found = self._reduced(found) if reduce else found
        self.last = found
        raise _Failing

    def _reduced(self, found: _Finding) -> _Finding:
        """The same failure with fewer steps and one parameter, where it shows there too.

        Only where the oracle judged: any part of such a problem is a problem of its own.
        """
        if found.measured is None or found.measured.how not in ("trajectory", "step"):
            return found
        found = self._if_failing(found.problem.cut(found.measured.step)) or found
        whole = found.problem
        for i, shape in enumerate(whole.shapes if len(whole.shapes) > 1 else ()):
            gone = frozenset((t, 0) for t, j in whole.missing if j == i)
            single = replace(whole, shapes=(shape,), groups=(whole.groups[i],), missing=gone)
            if (smaller := self._if_failing(single)) is not None:
                return smaller
        return found

    def _if_failing(self, problem: Problem) -> _Finding | None:
        found = self._tried(problem, problem.to_text())
        return found if found is not None and found.measured is not None else None

    def _tried(self, problem: Problem, text: str) -> _Finding | None:
        """What is wrong on this problem, None where nothing is."""
        self.note(text)
        measured = None
        trial = Trial(self.subject, self.convention, problem)
        if unfit := self.check.applies(trial):
            self.unfit[unfit] = None
            return None
        try:
            for measured in self.check.measure(trial):
                ratio = measured.ratio
                self.claims = self.claims or (measured.claims and measured.bound < math.inf)
                if ratio > 1:
                    self.tried += 1
                    return _Finding(problem, measured)
                if self.worst is None or ratio > (self.worst.measured or measured).ratio:
                    self.worst = _Finding(problem, measured)
                if measured.how and ratio >= self.ratios.get(measured.how, 0.0):
                    self.ratios[measured.how] = ratio
        except Exception as error:
            if is_exhaustion(error):
                raise OutOfMemory(in_words(error)) from None
            if refused := self.refusals.reason(error, problem, self.check.needs):
                self.refused[refused] = None
                return None
            self.tried += 1
            return _Finding(problem, None, in_words(error))
        self.tried += measured is not None
        if measured is not None and measured.how in ("trajectory", "step"):
            self.judged.append(problem)
        return None

    def result(self, base: Result) -> Result:
        """The smallest failure, else the worst measurement."""
        refused = "; ".join(self.refused)
        if not self.tried:
            reason = refused or "; ".join(self.unfit) or "no problem fits the subject"
            return replace(base, verdict="skipped", reason=reason)
        found = self.last or self.worst
        assert found is not None
        base = replace(base, problem=found.problem.to_text(), problems=self.tried, reason=refused)
        measured = found.measured
        if measured is None and self.check.errors_fail:
            return replace(
                base, verdict="failed", error=math.inf, ratio=math.inf, where=found.reason
            )
        if measured is None:
            return replace(base, verdict="errored", reason=found.reason)
        failed = self.last is not None
        claims = failed or self.claims
        return replace(
            base,
            verdict="failed" if failed else "passed" if claims else "no_claim",
            reason=refused if claims else NO_CLAIM,
            error=float(measured.error),
            bound=float(measured.bound),
            ratio=float(measured.ratio),
            step=measured.step,
            how=measured.how,
            where=measured.where,
            ratios={measured.how: measured.ratio} if failed and measured.how else self.ratios,
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
    )
    @given(strategy)
    def probe(problem: Problem) -> None:
        measure(problem)

    probe()
