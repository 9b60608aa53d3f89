"""What `momentum matrix` does: rows that are missing are made, all are kept, the tables printed."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from momentum import __version__
from momentum.conventions import Convention
from momentum.errors import UsageError
from momentum.report import lines
from momentum.report.foreign import is_watched, say
from momentum.report.matrix import render as tables
from momentum.report.matrix.implementations import IMPLEMENTATIONS, Implementation, programs
from momentum.report.matrix.rows import Row, Setting, row
from momentum.report.stream import Stream
from momentum.runner import files
from momentum.runner.options import Effort, convention_of

FORMAT = "momentum-matrix"
VERSION = 1
INTERRUPTED = 130


def matrix(
    jsonl: Path | None,
    html: Path | None,
    markdown: Path | None,
    effort: Effort,
    seed: int,
    only: Sequence[str],
    also: Sequence[str] = (),
    process: Sequence[str] = (),
) -> int:
    """Fill the matrix, write the reports, and return the exit code.

    0: nothing failed that was not expected. 1: something did, or an implementation was lost.
    3: nothing is installed. 130: interrupted; rows that are done are in the JSON lines.
    Raises: UsageError for an unknown name, or a file that cannot be read or written.
    """
    further = [one for said in process for one in programs(said)]
    chosen = [*_chosen(only, bool(further)), *further]
    more = [convention_of(which) for which in also]
    present = [one for one in chosen if one.installed]
    absent = {one.name: one.distribution for one in chosen if not one.installed}
    setting = Setting(effort, seed, __version__)
    done = {} if jsonl is None else _kept(jsonl, setting)
    files.different(jsonl, html, markdown)
    for path in (jsonl, html, markdown):
        if path is not None:
            files.writable(path)
    interrupted = False
    stream = Stream(jsonl)
    header = {"record": "header", "format": FORMAT, "version": VERSION, "setting": asdict(setting)}
    stream.write("".join(map(lines.line, (header, *(r.to_record() for r in done.values())))))
    try:
        for number, one in enumerate(present, 1):
            if one.name in done and done[one.name].is_of(one, more):
                continue
            done[one.name] = made = _made(one, setting, number, len(present), more)
            stream.write(lines.line(made.to_record()))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        stream.finish()
    rows = [done[one.name] for one in present if one.name in done]
    if html is not None:
        files.replace(html, tables.page(rows, absent, asdict(setting)))
    if markdown is not None:
        files.replace(markdown, tables.markdown(rows, absent, asdict(setting)))
    say(tables.text(rows, absent).rstrip("\n"))
    if interrupted:
        return INTERRUPTED
    if not rows:
        return 3
    return int(any(r.counts["failed"] or (r.lost and not r.cells) for r in rows))


def _chosen(only: Sequence[str], further: bool) -> list[Implementation]:
    """Those whose name is given, or begins with it; none where there are only programs."""
    if further and not only:
        return []
    for name in only:
        if not any(known == name or known.startswith(f"{name} ") for known in IMPLEMENTATIONS):
            known = ", ".join(IMPLEMENTATIONS)
            raise UsageError(f"unknown implementation {name!r}: known are {known}")
    return [
        one
        for one in IMPLEMENTATIONS.values()
        if not only or any(one.name == n or one.name.startswith(f"{n} ") for n in only)
    ]


def _made(
    one: Implementation, setting: Setting, number: int, total: int, more: Sequence[Convention]
) -> Row:
    """A new row; says which, where someone may be watching."""
    watched = is_watched(sys.stderr)

    def on_start(name: str, job: int, jobs: int) -> None:
        if watched:
            words = f"{number}/{total} {one.name}: {job}/{jobs} {name}"
            click.echo(f"\r\x1b[K{words[:78]}", nl=False, err=True)

    made = row(one, setting, on_start, more)
    if watched:
        click.echo("\r\x1b[K", nl=False, err=True)
    return made


def _kept(path: Path, setting: Setting) -> dict[str, Row]:
    """Rows of an earlier run with the same setting; a line that was cut off is left out.

    Raises: UsageError where the file is something else.
    """
    found, _ = lines.records(path, "the matrix", "a matrix") if path.exists() else ([], "")
    if not found:
        return {}
    (_, first), *others = found
    if first.get("format") != FORMAT:
        raise UsageError(f"{path} holds no matrix: it is left as it is")
    if first.get("setting") != asdict(setting):
        return {}
    rows = [files.record_of(record, Row, where) for where, record in others]
    return {r.name: r for r in rows}
