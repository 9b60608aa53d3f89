"""Results as JSON lines: a header, one line a result, a footer without which the file is cut off.

`report.schema.json` beside this file describes every line. Numbers are written so that they read
back to the same float64; inf and nan, which JSON lacks, are strings.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from momentum.checks.result import Header, Result, Results, Series
from momentum.errors import UsageError
from momentum.report import words

FORMAT = "momentum-report"
VERSION = 1
SCHEMA = Path(__file__).with_name("report.schema.json")


def header_line(header: Header) -> str:
    """The first line."""
    return _line({"record": "header", "format": FORMAT, "version": VERSION, **asdict(header)})


def result_line(header: Header, result: Result) -> str:
    """The line of one result."""
    record = {"record": "result", "id": result.id, **asdict(result)}
    return _line(record | {"replay": words.replay(header, result)})


def footer_line(results: Results, strict: bool = False) -> str:
    """The last line: the counts and the verdict."""
    return _line(
        {
            "record": "footer",
            "verdict": results.verdict(strict),
            "counts": results.counts,
            "broken": results.broken,
            "control": results.control,
            "stale": results.stale,
            "unfinished": results.unfinished,
            "impulse": None if results.impulse is None else asdict(results.impulse),
        }
    )


def text(results: Results, strict: bool = False) -> str:
    """A whole report."""
    lines = [header_line(results.header)]
    lines += [result_line(results.header, r) for r in results.results]
    return "".join([*lines, footer_line(results, strict)])


def read(path: Path) -> Results:
    """The results that a file holds; `unfinished` says so where it is cut off.

    Raises: UsageError where it is no report.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the report {path}: {error}") from None
    whole, rest = lines[:-1], lines[-1]  # a line without its end was being written
    records = [_record(path, i, line) for i, line in enumerate(whole, 1)]
    if not records or records[0].get("format") != FORMAT:
        raise UsageError(f"{path} is no report of momentum: its first line is no header")
    if records[0]["version"] != VERSION:
        raise UsageError(f"{path} has format version {records[0]['version']}, wanted {VERSION}")
    ended = records[-1]["record"] == "footer"
    footer = records[-1] if ended else {}
    middle = records[1 : -1 if ended else None]
    if any(r["record"] != "result" for r in middle) or (ended and rest):
        raise UsageError(f"{path} is no report of momentum: its lines are out of order")
    return Results(
        header=_made(Header, records[0], path),
        results=tuple(_made(Result, r, path) for r in middle),
        broken=footer.get("broken", ""),
        control=footer.get("control", ""),
        stale=tuple(footer.get("stale", ())),
        unfinished=footer["unfinished"] if ended else "the report is cut off",
        impulse=_series(footer.get("impulse"), path),
    )


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(_plain(record), allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """The same in what JSON knows."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        record = None
    if not isinstance(record, dict) or "record" not in record:
        raise UsageError(f"{path}, line {number}: not a line of a report")
    return record


def _made(kind: type[Any], record: Mapping[str, Any], path: Path) -> Any:
    """A record of this kind; keys that it does not know are passed over."""
    values = {}
    for f in fields(kind):
        if f.name not in record:
            raise UsageError(f"{path}: a {record['record']} lacks {f.name!r}")
        value = record[f.name]
        if f.type is float:
            value = float(value)
        elif isinstance(value, list):
            value = tuple(value)
        values[f.name] = value
    if kind is Result:
        values["ratios"] = {how: float(x) for how, x in values["ratios"].items()}
        values["series"] = _series(values["series"], path)
    return kind(**values)


def _series(record: Mapping[str, Any] | None, path: Path) -> Series | None:
    if record is None:
        return None
    numbers = ("got", "exact", "bound", "step_error", "step_bound")
    floats = {name: [float(x) for x in record[name]] for name in numbers}
    found: Series = _made(Series, {"record": "series", **record, **floats}, path)
    return found
