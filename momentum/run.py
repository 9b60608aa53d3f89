"""Run checks on a subject. Prints nothing, writes nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, NamedTuple

from momentum.checks import CHECKS
from momentum.conventions import Convention, get
from momentum.errors import UsageError
from momentum.expectations import Expectation
from momentum.isolation import Lost, Notebook, stream
from momentum.results import Header, Result, Results, Series, Verdict, environment
from momentum.search import blank, in_words, run_check
from momentum.selection import Options, jobs, selected
from momentum.series import impulse
from momentum.subject import Subject
from momentum.twin import Twin

__all__ = ["Header", "Options", "Result", "Results", "Verdict", "as_expected", "jobs",
           "run", "run_check", "selected"]  # fmt: skip

CONTROL = "agrees_with_oracle"

LOADING = 120.0
"""Seconds that the target and its framework may take to be imported, at least."""

LOSSES = 2
"""A subject that killed or hung its process so often in one dtype is not tried further there."""


class _Starting(NamedTuple):
    """A job begins, one of `total`; an empty check is the control."""

    check: str
    dtype: str
    total: int


class Control(NamedTuple):
    """What became of the control: it did its duty, it proved the run blind, or it never ran."""

    outcome: Literal["failed", "passed", "lost"]
    words: str


class _Progress(NamedTuple):
    """How far earlier child processes came.

    control: it was tried. done: jobs that have a result. given_up: why no more is tried in a dtype.
    """

    control: bool = False
    done: int = 0
    given_up: Mapping[str, str] = {}


def _session(
    load: Callable[[], Subject],
    convention: str | Convention | None,
    options: Options,
    note: Callable[[str], None],
    so_far: _Progress,
) -> Iterator[Any]:
    """The run itself: a Header, the control, then for each job its start and its Result.

    Last the impulse response. A UsageError, and nothing else, where target or options are wrong.
    """
    try:
        subject = load()
        todo = jobs(subject, options)
        chosen, identified = chosen_convention(subject, convention)
    except (UsageError, ValueError) as error:
        yield UsageError(str(error))
        return
    except (Exception, SystemExit) as error:
        yield UsageError(f"{' '.join(options.arguments) or 'the target'} {in_words(error)}")
        return
    yield header_of(subject, chosen, options, identified)
    if todo and not so_far.control:
        yield _Starting("", todo[0][1], len(todo))
        yield controlled(subject, chosen, todo[0][1], options.seed)
    explainer = None
    for check, dtype in todo[so_far.done :]:
        yield _Starting(check.name, dtype, len(todo))
        if dtype in so_far.given_up:
            reason = so_far.given_up[dtype]
            yield replace(blank(check, dtype), verdict="errored", reason=reason)
            continue
        result = run_check(
            check, subject, chosen, dtype, options.effort, options.seed, options.replay, note
        )
        if result.verdict == "failed":
            explainer = explainer or _explainer(subject, chosen)
            result = replace(result, explanation=explainer.explain(result))
        yield result
    yield _Starting("", "", len(todo))
    yield impulse(subject, chosen, subject.facts.dtypes)


def _explainer(subject: Subject, convention: Convention) -> Any:
    from momentum.explain import Explainer  # with the gallery: only where something fails

    return Explainer(subject, convention)


def chosen_convention(
    subject: Subject, convention: str | Convention | None
) -> tuple[Convention, bool]:
    if convention is not None:
        return get(convention), False
    from momentum.identify import identify

    try:
        return identify(subject).nearest, True
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the convention cannot be identified: the subject {in_words(error)};"
            " say which it is meant to follow, with --as"
        ) from None


def controlled(subject: Subject, convention: Convention, dtype: str, seed: int) -> Control:
    """A known-wrong twin of the subject must fail, else nothing that passes means anything."""
    result = run_check(CHECKS[CONTROL], Twin(subject), convention, dtype, "quick", seed)
    if result.verdict == "failed":
        return Control("failed", f"a known-wrong twin failed {result.id}, as it must")
    if result.verdict == "passed":
        return Control("passed", f"a known-wrong twin of the subject passed {result.id}")
    return Control("lost", f"the known-wrong twin could not be run: {result.reason}")


def header_of(
    subject: Subject, convention: Convention, options: Options, identified: bool
) -> Header:
    return Header(
        target=subject.facts.name,
        convention=convention.full_name,
        formula=convention.formula,
        seed=options.seed,
        effort=options.effort,
        dtypes=options.dtypes or subject.facts.dtypes,
        identified=identified,
        arguments=options.arguments,
        **environment(),
    )


class _Collector:
    """Gathers what sessions yield, over as many child processes as it takes."""

    def __init__(self, expected: Sequence[Expectation]) -> None:
        self.expected = expected
        self.header: Header | None = None
        self.results: list[Result] = []
        self.control: Control | None = None
        self.impulse: Series | None = None
        self.current: _Starting | None = None
        self.losses: Counter[str] = Counter()
        self.given_up: dict[str, str] = {}
        self.finished = False

    def add(self, item: Any) -> None:
        """Take one item of a session."""
        if isinstance(item, UsageError):
            raise item
        if isinstance(item, _Starting):
            self.current = item
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
    def progress(self) -> _Progress:
        """For the next child process."""
        return _Progress(self.control is not None, len(self.results), self.given_up)

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
            work = partial(_session, load, convention, options, page.write, found.progress)
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
                if isinstance(item, _Starting) and item.check:
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
