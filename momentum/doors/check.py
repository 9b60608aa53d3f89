"""What `momentum check` does: options to a run, and its results to the reports asked for."""

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import click

from momentum.checks.result import Header, Result, Results
from momentum.doors.targets import Target
from momentum.errors import UsageError, of_usage
from momentum.report import jsonl as lines
from momentum.report import table, terminal, words
from momentum.report.foreign import is_watched, say
from momentum.report.stream import Stream
from momentum.runner import expectations, files
from momentum.runner.expectations import Expectation
from momentum.runner.options import Options, selected
from momentum.runner.results import run
from momentum.subjects.problems import Problem

INTERRUPTED = 130


@dataclass(frozen=True)
class Reports:
    """What is to become of the results; the options of the command, as they were given."""

    strict: bool
    expected: Path | None
    update_expected: bool
    jsonl: Path | None
    html: Path | None
    verbose: bool


def check(
    target: str,
    *,
    settings: Mapping[str, str],
    convention: str | None,
    replay: str | None,
    flushing: bool,
    **given: Any,
) -> int:
    """Run the checks, write the reports, and return the exit code.

    given: by the names of `Reports` and of `Options`.
    Raises: UsageError where the target or an option is wrong.
    """
    reports = Reports(**{one.name: given.pop(one.name) for one in fields(Reports)})
    named = Target(target, texts=settings, flushing=flushing)
    with of_usage():
        problem = None if replay is None else Problem.from_text(replay)
    # What can be refused before anything is loaded is refused here.
    options = Options(arguments=named.arguments, replay=problem, **given).checked(convention)
    files.different(reports.jsonl, reports.html, reports.expected)
    for path in (reports.jsonl, reports.html):
        if path is not None and str(path) != "-":
            files.writable(path)
    known = _expectations(reports)
    started = time.monotonic()
    stream = Stream(reports.jsonl)
    with _Follower(stream) as follower:
        try:
            results = run(named.load, convention, options, known, follower.header, follower.start,
                          follower.result)  # fmt: skip
        except BaseException:
            stream.drop()
            raise
        stream.write(lines.footer_line(results, reports.strict))
    return _told(reports, options, results, known, stream, time.monotonic() - started)


def _told(
    reports: Reports,
    options: Options,
    results: Results,
    known: Sequence[Expectation],
    stream: Stream,
    seconds: float,
) -> int:
    """Write and print the reports; what cannot be written is said when all others are out."""
    troubles: list[str] = []

    def tried(work: Callable[[], None]) -> None:
        try:
            work()
        except UsageError as error:
            troubles.append(str(error))

    tried(stream.finish)
    if (page := reports.html) is not None:
        from momentum.report import html

        tried(lambda: files.replace(page, html.render(results, strict=reports.strict)))
    tried(partial(_print, reports, options, results, seconds))
    code = INTERRUPTED if results.unfinished == "interrupted" else results.exit_code(reports.strict)
    whole = not results.unfinished and not results.broken
    if reports.update_expected and reports.expected is not None and whole:
        tried(partial(_update, reports.expected, known, results, reports.strict))
        code = 3 if results.exit_code() == 3 else 0
    if troubles:
        raise UsageError("; ".join(troubles))
    return code


def _update(path: Path, known: Sequence[Expectation], results: Results, strict: bool) -> None:
    change = expectations.update(path, updated(known, results, strict))
    parts = [
        f"{words.several(len(ids), 'expected failure')} {verb}: {', '.join(ids)}"
        for verb, ids in (("added", change.added), ("removed", change.removed))
        if ids
    ]
    if change.kept or not parts:
        kept = words.several(change.kept, "entry").replace("entrys", "entries")
        parts.append(f"{kept} left as {'it was' if change.kept == 1 else 'they were'}")
    say(f"{path}: {'; '.join(parts)}", sys.stderr)


def _expectations(reports: Reports) -> list[Expectation]:
    if reports.expected is None:
        if reports.update_expected:
            raise UsageError("--update-expected needs --expected FILE")
        return []
    if reports.update_expected:
        files.writable(reports.expected)
        return expectations.read(reports.expected) if reports.expected.exists() else []
    found = expectations.read(reports.expected)
    expectations.refuse_unknown(found)
    return found


def updated(
    known: Sequence[Expectation], results: Results, strict: bool = False
) -> list[Expectation]:
    """The expectations that fit these results; reasons that were written down are kept.

    Advice is none, unless strict. Entries for what was not run stay where only a part was run.
    """
    wrong = [r for r in results.wrong(strict) if not r.surprise]
    failed = {r.id for r in results.results if r.verdict == "expected_failure"}
    failed |= {r.id for r in wrong}
    seen = {r.id for r in results.results} | set(results.stale)
    kept = [e for e in known if e.id in failed or e.id not in seen]
    old = {e.id for e in known}
    added = [
        Expectation(r.id, f"not yet explained: {words.evidence(r)}")
        for r in wrong
        if r.id not in old
    ]
    return kept + added


class _Follower:
    """Writes each result as it comes, and shows progress where someone may be watching."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.head: Header | None = None
        self.bar: Any = None

    def __enter__(self) -> "_Follower":
        if is_watched(sys.stderr):
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self.bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                TextColumn("{task.completed:.0f}/{task.total:.0f}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.task = self.bar.add_task("loading", total=1)
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def header(self, header: Header) -> None:
        """The first line."""
        self.head = header
        self.stream.write(lines.header_line(header))

    def start(self, name: str, number: int, total: int) -> None:
        """Say what is being tried."""
        if self.bar is not None:
            self.bar.update(self.task, description=name, completed=number - 1, total=total)

    def result(self, result: Result) -> None:
        """One more line."""
        assert self.head is not None
        self.stream.write(lines.result_line(self.head, result))


def _print(reports: Reports, options: Options, results: Results, seconds: float) -> None:
    out = sys.stderr if reports.jsonl is not None and str(reports.jsonl) == "-" else sys.stdout
    watched = is_watched(out)
    colour = watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = min(shutil.get_terminal_size((100, 24)).columns, 120) if watched else 100
    text = terminal.render(results, width=width, colour=colour, strict=reports.strict,
                           seconds=seconds, verbose=reports.verbose)  # fmt: skip
    if options.replay is not None:
        for result in results.results:
            if result.series is not None:
                text = table.steps(result.series, colour=colour) + "\n" + text
    say(text.rstrip("\n"), out, styled=colour)


def list_checks(only: Sequence[str]) -> int:
    """Print the checks, by family.

    Raises: UsageError for a name that is none.
    """
    family = ""
    with of_usage():
        found = selected(only)
    for c in found:
        if c.family != family:
            family = c.family
            click.echo(f"{family}:")
        click.echo(f"  {c.name} ({c.level}{', every dtype' if c.every_dtype else ''})")
        click.echo(textwrap.fill(c.statement, 80, initial_indent="    ", subsequent_indent="    "))
    return 0
