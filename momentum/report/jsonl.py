"""Results as JSON lines: a header, one line a result, a footer without which the file is cut off.

`report.schema.json` beside this file describes every line; it is `schema()`, written down.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from momentum.checks.result import Header, Result, Results, Series
from momentum.errors import UsageError
from momentum.report import lines, words
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
    return lines.line({"record": "header", "format": FORMAT, "version": VERSION, **asdict(header)})


def result_line(header: Header, result: Result) -> str:
    """The line of one result."""
    record = {"record": "result", "id": result.id, **asdict(result)}
    del record["explanation"]  # it is known when all results are, and stands in the last line
    return lines.line(record | {"replay": words.replay(header, result)})


def footer_line(results: Results, strict: bool = False) -> str:
    """The last line."""
    found = _of(results)
    found["impulse"] = None if results.impulse is None else asdict(results.impulse)
    verdict = results.verdict(strict)
    causes = {r.id: r.explanation for r in results.results if r.explanation}
    record = {"record": "footer", "verdict": verdict, "counts": results.counts, **found}
    return lines.line(record | {"causes": causes})


def text(results: Results, strict: bool = False) -> str:
    """A whole report."""
    lines = [header_line(results.header)]
    lines += [result_line(results.header, r) for r in results.results]
    return "".join([*lines, footer_line(results, strict)])


def read(path: Path) -> Results:
    """The results that a file holds; `unfinished` says so where it is cut off.

    Raises: UsageError where it is no report.
    """
    found, rest = lines.records(path, "the report", "a report")
    for where, record in found:
        if "record" not in record:
            raise UsageError(f"{where}: not a line of a report")
    first = found[0][1] if found else {}
    if first.get("format") != FORMAT:
        raise UsageError(f"{path} is no report of momentum: its first line is no header")
    if first.get("version") != VERSION:
        raise UsageError(f"{path} has format version {first.get('version')}, wanted {VERSION}")
    footer = None
    if found[-1][1]["record"] == "footer":
        footer = files.record_of(found[-1][1], Footer, found[-1][0])
    middle = found[1 : len(found) - (footer is not None)]
    if any(r["record"] != "result" for _, r in middle) or (footer and rest):
        raise UsageError(f"{path} is no report of momentum: its lines are out of order")
    results = (files.record_of(r, Result, where) for where, r in middle)
    causes = footer.causes if footer else {}
    return Results(
        header=files.record_of(first, Header, found[0][0]),
        results=tuple(replace(r, explanation=causes.get(r.id, "")) for r in results),
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


def _numbers(value: object) -> Any:
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


def _of(footer: Footer | Results) -> dict[str, Any]:
    return {name: getattr(footer, name) for name in _BOTH}
