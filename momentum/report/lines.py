"""JSON lines: how a record is written as one, and how a file of them is read.

Numbers are written so that they read back to the same float64; inf and nan, which JSON lacks, are
strings.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from momentum.errors import UsageError
from momentum.report.foreign import safe
from momentum.runner import files


def line(record: Mapping[str, object]) -> str:
    """A record as a line; what others wrote in it is made visible."""
    return json.dumps(_plain(safe(dict(record))), allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: object) -> Any:
    """The same in what JSON knows."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def records(path: Path, what: str, wanted: str) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """Where each line of a file stands and what it says, and a last one that was being written.

    what: the file, in words. wanted: what its lines are.
    Raises: UsageError where the file cannot be read, or a line is no record.
    """
    *whole, rest = files.read(path, what).split("\n")
    found = []
    for number, text in enumerate(whole, 1):
        where = f"{path}, line {number}"
        record = files.json_of(text, where)
        if not isinstance(record, dict):
            raise UsageError(f"{where}: not a line of {wanted}")
        found.append((where, record))
    return found, rest
