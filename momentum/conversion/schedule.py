"""Schedules from a file: one row of hyper-parameters for each step.

JSON: a list of objects, `[{"lr": 0.1, "momentum": 0.9}, {"lr": 0.05}]`. CSV: a header, then one
row a step, `step,lr,momentum`. A `step` (from 1) may leave steps out, and the row before goes on
until then; a value that is left out or empty stays what it was in the row before. Numbers are
read as the decimals that they say, so 0.1 is one tenth.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from momentum.conversion.convert import Conversion
from momentum.conversion.speakers import in_own_units

MOST = 100_000
"""Steps a schedule may have; one that leaves steps out is filled up to its last one."""


def rows_in(text: str, path: Path, common: Mapping[str, str]) -> list[dict[str, str]]:
    """The rows that the text of a file holds, on top of what all steps have in common.

    Raises: ValueError where it is no schedule.
    """
    try:
        given = _from_json(text) if text.lstrip().startswith(("[", "{")) else _from_csv(text)
    except (json.JSONDecodeError, csv.Error, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None
    rows: list[dict[str, str]] = []
    now = dict(common)
    for number, row in enumerate(given, 1):
        step = _step(path, number, row, len(rows) + 1)
        if step > len(rows) + 1 and not rows:
            raise ValueError(f"{path}: row 1 is step {step}; wanted step 1 first")
        rows.extend(dict(now) for _ in range(step - len(rows) - 1))
        now.update({k: v for k, v in row.items() if k != "step" and v != ""})
        rows.append(dict(now))
    if not rows:
        raise ValueError(f"{path}: no rows; wanted one row a step")
    return rows


def _step(path: Path, number: int, row: Mapping[str, str], least: int) -> int:
    text = row.get("step", "") or str(least)
    digits = text.isascii() and text.isdigit() and len(text) <= 20
    if not digits or not least <= int(text) <= MOST:
        raise ValueError(f"{path}: row {number} is step {text[:40]}; wanted {least} to {MOST}")
    return int(text)


def _from_json(text: str) -> list[dict[str, str]]:
    rows = json.loads(text, parse_float=str, parse_int=str)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("wanted a JSON list with one object a step")
    return [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]


def _from_csv(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True, strict=True)
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"line {reader.line_num} has another number of values than the header")
        rows.append({k.strip(): v.strip() for k, v in row.items()})
    return rows


def rows_of(conversion: Conversion) -> Sequence[dict[str, object]]:
    """A conversion as a schedule in the target's spelling, each row with its step.

    Numbers are text with the nearest float64; the last row goes on where the conversion does.
    """
    target = conversion.target
    rows = []
    for step, h in enumerate(conversion.floats, 1):
        row: dict[str, object] = {"step": step}
        for name, own in target.names.items():
            value = in_own_units(target, h, name)
            row[own] = str(value).lower() if isinstance(value, bool) else repr(value)
        rows.append(row)
    return rows
