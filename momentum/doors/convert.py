"""`momentum convert`: what was asked in, text and exit code out."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from momentum.conversion import schedule
from momentum.conversion.convert import convert
from momentum.conversion.given import UNITS
from momentum.conversion.speakers import Speaker, speaker
from momentum.conversion.text import tell
from momentum.errors import of_usage
from momentum.runner import files


def run(
    source: str,
    target: str,
    settings: Sequence[str],
    file: Path | None,
    steps: int | None,
    write: Path | None,
) -> tuple[int, str]:
    """Exit code (1 where no conversion exists) and what to print.

    Raises: UsageError.
    """
    files.different(file, write)
    if write is not None:
        files.writable(write)
    with of_usage():
        common = _pairs(settings)
        a = speaker(source)
        common = {_own(a, name): value for name, value in common.items()}
        rows = (
            None if file is None else schedule.rows_in(files.read(file, "the schedule"), file, {})
        )
        if rows is not None:
            rows = [common | {_own(a, k): v for k, v in row.items()} for row in rows]
        with np.errstate(all="ignore"):  # what overflows is told as a difference
            found = convert(a, target, common if rows is None else rows, steps=steps)
            lines = tell(found)
        if write is not None and found.exists:
            files.replace(write, _file(schedule.rows_of(found), write.suffix))
    if write is not None and found.exists:
        lines.append(f"written to {write}")
    return (0 if found.exists else 1), "\n".join(lines)


def _own(who: Speaker, spelling: str) -> str:
    if spelling in UNITS and spelling not in who.names.values():
        return spelling
    canonical = who.canonical(spelling)
    return canonical if canonical != "kept" else spelling


def _pairs(settings: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ValueError(f"{text!r}: wanted NAME=VALUE, such as lr=0.1")
        if name.strip() in pairs:
            raise ValueError(f"{name.strip()} is given twice")
        pairs[name.strip()] = value.strip()
    return pairs


def _file(rows: Sequence[dict[str, object]], suffix: str) -> str:
    if suffix.lower() == ".json":
        return json.dumps(rows, indent=1) + "\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
