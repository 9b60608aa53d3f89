"""What `momentum check` does: options to a run, and its results to the reports asked for."""

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from momentum.checks.result import Header, Result, Results
from momentum.errors import UsageError
from momentum.report import jsonl as lines
from momentum.report import table, terminal, words
from momentum.report.foreign import is_watched, say
from momentum.report.stream import Stream
from momentum.runner import expectations, files
from momentum.runner.expectations import Expectation
from momentum.runner.options import Effort, Options, selected
from momentum.runner.results import run
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

INTERRUPTED = 130


@dataclass(frozen=True)
class Request:
    """The options of the command, as they were given."""

    target: str
    settings: Mapping[str, str]
    convention: str | None = None
    dtypes: Sequence[str] = ()
    effort: Effort = "normal"
    seed: int = 0
    only: Sequence[str] = ()
    strict: bool = False
    expected: Path | None = None
    update_expected: bool = False
    jsonl: Path | None = None
    html: Path | None = None
    time_limit: float = 60.0
    total_limit: float | None = None
    jobs: int = 1
    replay: str | None = None
    verbose: bool = False


def check(request: Request) -> int:
    """Run the checks, write the reports, and return the exit code.

    Raises: UsageError where the target or an option is wrong.
    """
    options, known = _options(request), _expectations(request)
    started = time.monotonic()
    stream = Stream(request.jsonl)
    with _Follower(stream) as follower:
        try:
            results = run(
                partial(_load, request.target, dict(request.settings)),
                request.convention,
                options,
                known,
                follower.header,
                follower.start,
                follower.result,
            )
        except BaseException:
            stream.drop()
            raise
        stream.write(lines.footer_line(results, request.strict))
    return _told(request, results, known, stream, time.monotonic() - started)


def _told(
    request: Request,
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
    if request.html is not None:
        tried(partial(_write_page, request.html, results, request.strict))
    tried(partial(_print, request, results, seconds))
    code = INTERRUPTED if results.unfinished == "interrupted" else results.exit_code(request.strict)
    whole = not results.unfinished and not results.broken
    if request.update_expected and request.expected is not None and whole:
        tried(partial(_update, request.expected, known, results))
        code = 3 if results.exit_code() == 3 else 0
    if troubles:
        raise UsageError("; ".join(troubles))
    return code


def _write_page(path: Path, results: Results, strict: bool) -> None:
    from momentum.report import html

    files.replace(path, html.render(results, strict=strict))


def _update(path: Path, known: Sequence[Expectation], results: Results) -> None:
    change = expectations.update(path, updated(known, results))
    parts = [
        f"{words.several(len(ids), 'expected failure')} {verb}: {', '.join(ids)}"
        for verb, ids in (("added", change.added), ("removed", change.removed))
        if ids
    ]
    kept = words.several(change.kept, "entry").replace("entrys", "entries")
    say(f"{path}: {'; '.join([*parts, f'{kept} left as they were'])}", sys.stderr)


def _load(target: str, settings: Mapping[str, str]) -> Subject:
    from momentum.adapters import load  # in the child process: a framework may come with it

    return load(target, settings)


def _options(request: Request) -> Options:
    """What can be refused before anything is loaded is refused here."""
    try:
        problem = None if request.replay is None else Problem.from_text(request.replay)
    except ValueError as error:
        raise UsageError(str(error)) from None
    arguments = [request.target]
    for name, value in request.settings.items():
        arguments += ["--set", f"{name}={value}"]
    options = Options(
        dtypes=tuple(request.dtypes),
        effort=request.effort,
        seed=request.seed,
        only=tuple(request.only),
        time_limit=request.time_limit,
        total_limit=request.total_limit,
        workers=request.jobs,
        replay=problem,
        arguments=tuple(arguments),
    ).checked(request.convention)
    files.different(request.jsonl, request.html, request.expected)
    for path in (request.jsonl, request.html):
        if path is not None and str(path) != "-":
            files.writable(path)
    return options


def _expectations(request: Request) -> list[Expectation]:
    if request.expected is None:
        if request.update_expected:
            raise UsageError("--update-expected needs --expected FILE")
        return []
    if request.update_expected:
        files.writable(request.expected)
        return expectations.read(request.expected) if request.expected.exists() else []
    found = expectations.read(request.expected)
    expectations.refuse_unknown(found)
    return found


def updated(known: Sequence[Expectation], results: Results) -> list[Expectation]:
    """The expectations that fit these results; reasons that were written down are kept.

    Entries for what was not run stay where only a part was run.
    """
    old = {e.id: e for e in known}
    fresh: dict[str, Expectation] = {}
    for r in results.results:
        if r.verdict == "expected_failure":
            fresh[r.id] = old[r.id]
        elif r.bad and not r.surprise:
            fresh[r.id] = Expectation(r.id, f"not yet explained: {words.evidence(r)}")
    seen = {r.id for r in results.results} | set(results.stale)
    kept = [e for e in known if e.id in fresh or e.id not in seen]
    return kept + [e for e in fresh.values() if e.id not in old]


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


def _print(request: Request, results: Results, seconds: float) -> None:
    out = sys.stderr if request.jsonl is not None and str(request.jsonl) == "-" else sys.stdout
    watched = is_watched(out)
    colour = watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = min(shutil.get_terminal_size((100, 24)).columns, 120) if watched else 100
    text = terminal.render(
        results,
        width=width,
        colour=colour,
        strict=request.strict,
        seconds=seconds,
        verbose=request.verbose,
    )
    if request.replay is not None:
        for result in results.results:
            if result.series is not None:
                text = table.steps(result.series, colour=colour) + "\n" + text
    say(text.rstrip("\n"), out, styled=colour)


def list_checks(only: Sequence[str]) -> int:
    """Print the checks, by family.

    Raises: UsageError for a name that is none.
    """
    family = ""
    try:
        found = selected(only)
    except ValueError as error:
        raise UsageError(str(error)) from None
    for c in found:
        if c.family != family:
            family = c.family
            click.echo(f"{family}:")
        click.echo(f"  {c.name} ({c.level}{', every dtype' if c.every_dtype else ''})")
        click.echo(textwrap.fill(c.statement, 80, initial_indent="    ", subsequent_indent="    "))
    return 0
