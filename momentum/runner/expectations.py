"""Expected failures: what is known to be wrong, why, and where that is written down.

A TOML file, one entry a result:

    [[expected]]
    id = "agrees_with_oracle[float16]"
    reason = "the fused CPU kernel skips whole vector blocks"
    reference = "pytorch/pytorch#191763"
"""

import tomllib
from pathlib import Path
from typing import NamedTuple

from momentum.errors import UsageError


class Expectation(NamedTuple):
    """One result that is expected to fail."""

    id: str
    reason: str
    reference: str = ""


def read(path: Path) -> list[Expectation]:
    """The entries of a file.

    Raises: UsageError where it cannot be read, an entry lacks id or reason, or an id comes twice.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read expected failures from {path}: {error}") from None
    entries = table.get("expected", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise UsageError(f"{path}: wanted a list of [[expected]] tables")
    if others := set(table) - {"expected"}:
        raise UsageError(f"{path}: unknown: {', '.join(sorted(others))}; wanted [[expected]]")
    found: dict[str, Expectation] = {}
    for i, entry in enumerate(entries, 1):
        if not all(isinstance(entry.get(k), str) and entry[k] for k in ("id", "reason")):
            raise UsageError(f"{path}: entry {i} needs an id and a reason")
        if others := set(entry) - set(Expectation._fields):
            raise UsageError(f"{path}: entry {i} has unknown: {', '.join(sorted(others))}")
        if entry["id"] in found:
            raise UsageError(f"{path}: {entry['id']} is there twice")
        found[entry["id"]] = Expectation(entry["id"], entry["reason"], entry.get("reference", ""))
    return list(found.values())


def write(path: Path, expected: list[Expectation]) -> None:
    """Write the entries, keeping comments of a file that is there already."""
    import tomlkit

    document = tomlkit.document()
    if path.exists():
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    entries = tomlkit.aot()
    for e in expected:
        table = tomlkit.table()
        for name, value in e._asdict().items():
            if value:
                table[name] = value
        entries.append(table)
    document["expected"] = entries
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
