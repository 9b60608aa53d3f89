"""Results as JSON lines: a header, one line a result, a footer without which the file is cut off.

`report.schema.json` beside this file describes every line; it is `schema()`, written down. Numbers
are written so that they read back to the same float64; inf and nan, which JSON lacks, are strings.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from momentum.checks.result import Header, Result, Results, Series
from momentum.errors import UsageError
from momentum.report import words
from momentum.report.foreign import safe
from momentum.runner import files

FORMAT = "momentum-report"
VERSION = 1
SCHEMA = Path(__file__).with_name("report.schema.json")

Outcome = Literal["passed", "failed", "broken", "unfinished", "nothing ran"]


@dataclass(frozen=True)
class Footer:
    """Last line: the verdict, how many results have which, and what was found over all checks.

    causes: of failures in words, by the id of the result.
    """

    verdict: Outcome
    counts: Mapping[str, int]
    broken: str = ""
    control: str = ""
    stale: tuple[str, ...] = ()
    unfinished: str = ""
    unexplained: str = ""
    impulse: Series | None = None
    power: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)


_BOTH = ("broken", "control", "stale", "unfinished", "unexplained", "impulse", "power")
"""What footer and results have in common."""


def header_line(header: Header) -> str:
    """The first line."""
    return _line({"record": "header", "format": FORMAT, "version": VERSION, **asdict(header)})


def result_line(header: Header, result: Result) -> str:
    """The line of one result."""
    record = {"record": "result", "id": result.id, **asdict(result)}
    del record["explanation"]  # it is known when all results are, and stands in the last line
    return _line(record | {"replay": words.replay(header, result)})


def footer_line(results: Results, strict: bool = False) -> str:
    """The last line."""
    found = {name: getattr(results, name) for name in _BOTH}
    found["impulse"] = None if results.impulse is None else asdict(results.impulse)
    verdict = results.verdict(strict)
    causes = {r.id: r.explanation for r in results.results if r.explanation}
    record = {"record": "footer", "verdict": verdict, "counts": results.counts, **found}
    return _line(record | {"causes": causes})


def text(results: Results, strict: bool = False) -> str:
    """A whole report."""
    lines = [header_line(results.header)]
    lines += [result_line(results.header, r) for r in results.results]
    return "".join([*lines, footer_line(results, strict)])


def read(path: Path) -> Results:
    """The results that a file holds; `unfinished` says so where it is cut off.

    Raises: UsageError where it is no report.
    """
    lines = files.read(path, "the report").split("\n")
    whole, rest = lines[:-1], lines[-1]  # a line without its end was being written
    records = [_record(f"{path}, line {i}", line) for i, line in enumerate(whole, 1)]
    if not records or records[0].get("format") != FORMAT:
        raise UsageError(f"{path} is no report of momentum: its first line is no header")
    if records[0].get("version") != VERSION:
        version = records[0].get("version")
        raise UsageError(f"{path} has format version {version}, wanted {VERSION}")
    ended = records[-1]["record"] == "footer"
    middle = records[1 : -1 if ended else None]
    if any(r["record"] != "result" for r in middle) or (ended and rest):
        raise UsageError(f"{path} is no report of momentum: its lines are out of order")
    last = f"{path}, line {len(records)}"
    footer = files.record_of(records[-1], Footer, last) if ended else None
    return Results(
        header=files.record_of(records[0], Header, f"{path}, line 1"),
        results=tuple(
            replace(found, explanation=footer.causes.get(found.id, "") if footer else "")
            for i, r in enumerate(middle, 2)
            for found in [files.record_of(r, Result, f"{path}, line {i}")]
        ),
        **({"unfinished": "the report is cut off"} if footer is None else _of(footer)),
    )


def schema() -> dict[str, Any]:
    """JSON Schema of a line, from the records' own definitions."""
    kinds = {"header": Header, "result": Result, "footer": Footer}
    _, found = msgspec.json.schema_components(kinds.values(), ref_template="#/$defs/{name}")
    known = _numbers({name.lower(): one for name, one in found.items()})
    for name in kinds:
        properties: dict[str, Any] = {"record": {"const": name}}
        if name == "header":
            properties |= {"format": {"const": FORMAT}, "version": {"const": VERSION}}
        if name == "result":
            del known[name]["properties"]["explanation"]
            properties |= {"id": {"type": "string"}, "replay": {"type": "string"}}
        known[name]["properties"] = properties | known[name]["properties"]
    for one in known.values():
        one |= {"required": list(one["properties"]), "additionalProperties": False}
    number = {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "momentum report, one line",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds],
        "$defs": {"number": number, **known},
    }


def _numbers(value: Any) -> Any:
    """A schema in which floats may be inf and nan, and names of definitions are in lower case."""
    if isinstance(value, dict):
        if value.get("type") == "number":
            return {"$ref": "#/$defs/number"}
        return {
            k: x.lower() if k == "$ref" else _numbers(x)
            for k, x in value.items()
            if k not in ("default", "title")
        }
    return [_numbers(x) for x in value] if isinstance(value, list) else value


def _of(footer: Footer) -> dict[str, Any]:
    return {name: getattr(footer, name) for name in _BOTH}


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(_plain(safe(record)), allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """The same in what JSON knows."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _record(where: str, line: str) -> dict[str, Any]:
    record = files.json_of(line, where)
    if not isinstance(record, dict) or "record" not in record:
        raise UsageError(f"{where}: not a line of a report")
    return record
