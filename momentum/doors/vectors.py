"""What `momentum vectors` does: write the files, or judge the answers to them."""

from collections.abc import Sequence
from pathlib import Path

import click

from momentum.errors import UsageError
from momentum.languages import vectors
from momentum.report.foreign import one_line
from momentum.runner import files


def write(folder: Path, conventions: Sequence[str]) -> int:
    """Write vectors into a folder. Raises: UsageError."""
    try:
        written = vectors.write(folder, conventions)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {files.reason(error)}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    size = sum(path.stat().st_size for path in written)
    click.echo(f"wrote {len(written)} files, {size / 1e6:.1f} MB, to {folder}")
    return 0


def verify(path: Path, flushing: bool = False) -> int:
    """0: every answer lies within its bound; 1: one does not; 3: all were skipped.

    Raises: UsageError where the answers are incomplete or cannot be read.
    """
    text = files.read(path, "answers")
    try:
        answers = vectors.answers_of(text)
        found = vectors.verify(answers, flushing)
    except ValueError as error:
        raise UsageError(f"answers {path}: {error}") from None
    count = {v: sum(one.verdict == v for one in found) for v in ("passed", "failed", "skipped")}
    verdict = "FAILED" if count["failed"] else "passed" if count["passed"] else "nothing verified"
    click.echo(f"{verdict}: {', '.join(f'{n} {v}' for v, n in count.items())}")
    for family, failures in vectors.told_by(found).items():
        worst = max(failures, key=lambda one: one.ratio)
        note = worst.family
        click.echo(f"\n{family}: {len(failures)} cases fail. {note.tests}")
        click.echo(f"  such cases fail with, for example, {note.catches}: {note.effect}")
        click.echo(f"  {worst.case.id} ({worst.case.dtype}), {worst.words}:")
        click.echo(f"  the error is {worst.ratio:.3g} times its bound")
    if count["failed"] and not flushing:
        again = vectors.verify(answers, flushing=True)
        if all(one.verdict != "failed" for one in again):
            click.echo("\nonly subnormal numbers are wrong, which became zero: see --flushing")
    for why in dict.fromkeys(one.words for one in found if one.verdict == "skipped"):
        click.echo(f"skipped: {one_line(why)}")
    return 1 if count["failed"] else 0 if count["passed"] else 3
