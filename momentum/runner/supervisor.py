"""Run checks on a subject. Prints nothing, writes nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from momentum.checks import CHECKS
from momentum.checks.result import Header, Result, Results, Series
from momentum.conventions import Convention
from momentum.errors import UsageError
from momentum.runner.expectations import Expectation
from momentum.runner.one_check import blank
from momentum.runner.options import Options
from momentum.runner.worker import CONTROL, Control, Explaining, Progress, Starting, session
from momentum.subjects.isolation import Lost, Notebook, stream
from momentum.subjects.protocol import Subject

LOADING = 120.0
"""Seconds that the target and its framework may take to be imported, at least."""

LOSSES = 2
"""A subject that killed or hung its process so often in one dtype is not tried further there."""


class _Collector:
    """Gathers what sessions yield, over as many child processes as it takes."""

    def __init__(self, expected: Sequence[Expectation]) -> None:
        self.expected = expected
        self.header: Header | None = None
        self.results: list[Result] = []
        self.control: Control | None = None
        self.impulse: Series | None = None
        self.current: Starting | None = None
        self.unexplained: Result | None = None
        self.losses: Counter[str] = Counter()
        self.given_up: dict[str, str] = {}
        self.finished = False

    def add(self, item: Any) -> None:
        """Take one item of a session."""
        if isinstance(item, UsageError):
            raise item
        if isinstance(item, Starting):
            self.current, self.unexplained = item, None
            return
        if isinstance(item, Explaining):
            self.unexplained = item.result
            return
        if isinstance(item, Header):
            self.header = self.header or item
        elif isinstance(item, Control):
            self.control = item
            self.finished = item.outcome == "passed"
        elif isinstance(item, Result):
            self.results.append(as_expected(item, self.expected))
        else:
            self.impulse, self.finished = item, True
        self.current = None

    def lose(self, lost: Lost, problem: str) -> None:
        """The child is gone: the job that it was at has its result.

        Raises: UsageError where it was at none.
        """
        at = self.current
        self.current = None
        if at is None:
            raise UsageError(f"the subject {lost.reason} before its first check")
        if not at.check:
            self.finished = not at.dtype
            self.control = self.control or Control("lost", f"the known-wrong twin {lost.reason}")
            return
        result = self.unexplained
        if result is None:
            result = blank(CHECKS[at.check], at.dtype)
            result = replace(result, verdict="errored", reason=lost.reason, problem=problem)
        self.results.append(as_expected(result, self.expected))
        self.losses[at.dtype] += 1
        if self.losses[at.dtype] == LOSSES:
            self.given_up[at.dtype] = (
                f"not tried: the subject was lost {LOSSES} times in {at.dtype}"
                f" (last it {lost.reason})"
            )

    def is_finished(self) -> bool:
        """Nothing is left to do."""
        return self.finished

    @property
    def progress(self) -> Progress:
        """For the next child process."""
        return Progress(self.control is not None, len(self.results), self.given_up)

    @property
    def broken(self) -> str:
        """Why nothing that passed can be believed."""
        if self.control is None or self.control.outcome == "failed":
            return ""
        blind = self.control.outcome == "passed"
        # A twin that nobody could run proves nothing where the subject itself could be run.
        believed = any(r.verdict == "passed" and r.check == CONTROL for r in self.results)
        return self.control.words if blind or believed else ""


def run(
    load: Callable[[], Subject],
    convention: str | Convention | None = None,
    options: Options | None = None,
    expected: Sequence[Expectation] = (),
    on_header: Callable[[Header], None] = lambda header: None,
    on_start: Callable[[str, int, int], None] = lambda name, number, total: None,
    on_result: Callable[[Result], None] = lambda result: None,
    isolated: bool = True,
) -> Results:
    """Run the checks on the subject that `load` gives, each in a child process that may die.

    on_start is told the check and dtype, its number and the number of all. An interrupt ends the
    run early: the results so far are returned, and `unfinished` says so.
    Raises: UsageError where the target cannot be loaded or dies before its first check, or where
    options do not fit it.
    """
    options = options or Options()
    found = _Collector(expected)
    page = Notebook()
    unfinished = ""
    try:
        while not found.is_finished():
            work = partial(session, load, convention, options, page.write, found.progress)
            limits = options.time_limit, max(options.time_limit, LOADING)
            for item in stream(work, *limits) if isolated else work():
                before = len(found.results)
                if isinstance(item, Lost):
                    found.lose(item, page.read())
                elif isinstance(item, Header):
                    if found.header is None:
                        on_header(item)
                    found.add(item)
                else:
                    found.add(item)
                if isinstance(item, Starting) and item.check:
                    on_start(f"{item.check}[{item.dtype}]", before + 1, item.total)
                if len(found.results) > before:
                    on_result(found.results[-1])
                if found.is_finished():
                    break
    except KeyboardInterrupt:
        unfinished = "interrupted"
        if found.header is None:
            raise
    assert found.header is not None
    ids = {r.id for r in found.results}
    partial_run = bool(options.only or options.dtypes or unfinished)
    return Results(
        header=found.header,
        results=tuple(found.results),
        broken=found.broken,
        stale=() if partial_run else tuple(e.id for e in expected if e.id not in ids),
        control=found.control.words if found.control else "",
        unfinished=unfinished,
        impulse=found.impulse,
    )


def as_expected(result: Result, expected: Sequence[Expectation]) -> Result:
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
        reason = f"was expected to fail ({expectation.reason}) and passed: remove the entry"
        return replace(result, verdict="failed", reason=reason, surprise=True)
    return result
