"""What `momentum watch` does: run a script, print what was found, and return the exit code."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from momentum.errors import UsageError
from momentum.report.foreign import say
from momentum.runner import files
from momentum.runner.options import convention_of


def watch(
    script: Path,
    arguments: Sequence[str],
    convention: str | None,
    every: int,
    sample: str,
    stop: bool,
    jsonl: Path | None,
) -> int:
    """0: every watched step stayed within its bound; 1: one did not, or the script failed;
    3: nothing was watched.

    With torchrun each rank writes its own file, `NAME.rank0.jsonl` and so on.
    Raises: UsageError where an option is wrong.
    """
    if convention is not None:
        convention_of(convention)
    if not script.is_file():
        raise UsageError(f"cannot run {script}: it is no file")
    if sample != "all" and not (sample.isdecimal() and int(sample)):
        raise UsageError(f"--sample {sample}: wanted a count, or all")
    if jsonl is not None:
        files.writable(jsonl)
    try:
        from momentum.watching.report import WatchError
        from momentum.watching.script import run
    except ModuleNotFoundError as error:
        raise UsageError(
            f"watch needs torch ({error}): pip install 'momentum-oracle[torch]'"
        ) from None
    try:
        watching = run(
            script, arguments, convention, every, "all" if sample == "all" else int(sample), stop
        )
    except WatchError as error:
        click.echo(f"momentum watch: {error}", err=True)
        return 1
    rank = int(os.environ.get("RANK", "0"))
    for number, report in enumerate(watching.reports):
        click.echo(f"momentum watch: {report}", err=True)
        if jsonl is not None:
            marks = ([f"rank{rank}"] if "RANK" in os.environ else []) + (
                [str(number)] if number else []
            )
            path = jsonl.with_suffix(".".join(["", *marks, "jsonl"])) if marks else jsonl
            files.replace(path, report.text())
    for name, count in watching.unknown.items():
        click.echo(
            f"momentum watch: {name} took {count} steps unwatched: its convention is not known"
            " (say --as)", err=True,
        )  # fmt: skip
    if watching.failure:
        say(watching.failure, sys.stderr)
        return 1
    if not watching.reports:
        return 3
    return 0 if all(report.passed for report in watching.reports) else 1
