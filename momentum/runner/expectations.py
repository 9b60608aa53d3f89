"""Expected failures: what is known to be wrong, why, and where that is written down.

A TOML file, one entry a result, or one for all that have the same reason:

    [[expected]]
    id = "agrees_with_oracle[float16]"
    reason = "the fused CPU kernel skips whole vector blocks"
    reference = "pytorch/pytorch#191763"

    [[expected]]
    id = ["deepcopy_is_faithful[float32]", "pickle_is_faithful[float32]"]
    reason = "a copy has lost its variables"
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from momentum.arithmetic import FORMATS
from momentum.checks import CHECKS
from momentum.checks.result import Result
from momentum.errors import UsageError, did_you_mean
from momentum.runner import files


class Expectation(NamedTuple):
    """One result that is expected to fail."""

    id: str
    reason: str
    reference: str = ""


class Change(NamedTuple):
    """What an update did to a file: ids of entries that came, that went, and how many stayed."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int


def read(path: Path) -> list[Expectation]:
    """The entries of a file.

    Raises: UsageError where it cannot be read, an entry lacks id or reason, or an id comes twice.
    """
    table = _table(path, files.read(path, "expected failures from"))
    entries = table.get("expected", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise UsageError(f"{path}: wanted a list of [[expected]] tables")
    if others := set(table) - {"expected"}:
        raise UsageError(f"{path}: unknown: {', '.join(sorted(others))}; wanted [[expected]]")
    found: dict[str, Expectation] = {}
    for i, entry in enumerate(entries, 1):
        ids, reason, reference = _ids(entry), entry.get("reason"), entry.get("reference", "")
        if not ids or not all(isinstance(text, str) and text for text in (*ids, reason)):
            raise UsageError(f"{path}: entry {i} needs an id and a reason")
        if others := set(entry) - set(Expectation._fields):
            raise UsageError(f"{path}: entry {i} has unknown: {', '.join(sorted(others))}")
        if not isinstance(reference, str):
            raise UsageError(f"{path}: the reference of entry {i} is no text")
        for name in ids:
            if name in found:
                raise UsageError(f"{path}: {name} is there twice")
            found[name] = Expectation(name, str(reason), reference)
    return list(found.values())


def _ids(entry: Mapping[str, object]) -> list[Any]:
    """Those of an entry, which has one or a list of them."""
    said = entry.get("id")
    return list(said) if isinstance(said, list) else [said]


def refuse_unknown(expected: Iterable[Expectation]) -> None:
    """Refuse entries that no run could match.

    Raises: UsageError for an id that is not `check[dtype]` of a check and a dtype that exist.
    """
    for e in expected:
        check, _, dtype = e.id.partition("[")
        where = f"expected failure {e.id!r}"
        if check not in CHECKS:
            raise UsageError(f"{where}: there is no such check{did_you_mean(check, CHECKS)}")
        if not dtype.endswith("]"):
            raise UsageError(f"{where}: wanted the dtype too, such as {check}[float32]")
        name = dtype.removesuffix("]")
        if name not in FORMATS:
            raise UsageError(f"{where}: there is no such dtype{did_you_mean(name, FORMATS)}")


def update(path: Path, expected: Sequence[Expectation]) -> Change:
    """Give a file these entries: what stays is not touched, and no comment is lost.

    Raises: UsageError where the file cannot be read or written.
    """
    text = files.read(path, "expected failures from") if path.exists() else ""
    there = {e.id for e in read(path)} if text else set()
    wanted = {e.id: e for e in expected}
    added = [e for e in expected if e.id not in there]
    removed = tuple(sorted(there - set(wanted)))
    if removed:
        text = _without(path, text, removed)
    if added:
        ending = "\r\n" if "\r\n" in text else "\n"
        entries = [_entry(e).replace("\n", ending) for e in added]
        text = ending.join([text.rstrip() + ending, *entries] if text.strip() else entries)
    if added or removed or not path.exists():
        after = {name for e in _table(path, text).get("expected", ()) for name in _ids(e)}
        if after != set(wanted):
            raise UsageError(f"{path}: an update wants ids without escapes, and none in a comment")
        files.replace(path, text)
    return Change(tuple(e.id for e in added), removed, len(there) - len(removed))


_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|"(?:\\.|[^"\\\n])*"|#[^\r\n]*'''
    r"""|'{3}.*?'{3,5}|'[^'\n]*'"""
    r"""|^[ \t]*\[\[[ \t]*(?:expected|"expected"|'expected')[ \t]*\]\]""",
    re.MULTILINE | re.DOTALL,
)
"""Strings, comments, and headers of entries: what stands within another one is none."""


def _without(path: Path, text: str, ids: Collection[str]) -> str:
    """The text without some entries; the comments in them stay, each on a line of its own."""
    starts = [m.start() for m in _TOKEN.finditer(text) if m[0].lstrip().startswith("[")]
    parts = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)])]
    if len(parts) != len(_table(path, text)["expected"]):
        raise UsageError(f"{path}: an update wants each entry as an [[expected]] table")
    kept = [text[: starts[0]]]
    for part in parts:
        (entry,) = tomllib.loads(part)["expected"]
        gone = [name for name in _ids(entry) if name in ids]
        if gone == _ids(entry):
            kept += _remains(part)
            continue
        for name in gone:
            part = re.sub(rf"""(["']){re.escape(name)}\1[ \t]*,?""", "", part, count=1)
        kept.append(part)
    return "".join(kept)


def _remains(part: str) -> list[str]:
    """Comments of an entry, and the lines below it, which belong to the next."""
    lines = part.splitlines(keepends=True)
    below = len(lines)
    while below and (not lines[below - 1].strip() or lines[below - 1].lstrip().startswith("#")):
        below -= 1
    tokens = [m[0] for m in _TOKEN.finditer("".join(lines[:below]))]
    return [*(f"{token}\n" for token in tokens if token.startswith("#")), *lines[below:]]


def _entry(e: Expectation) -> str:
    # What JSON escapes TOML reads; one character more has to be.
    said = {name: json.dumps(x, ensure_ascii=False) for name, x in e._asdict().items() if x}
    lines = [f"{name} = {text}\n" for name, text in said.items()]
    return "".join(["[[expected]]\n", *lines]).replace("\x7f", "\\u007f")


LINE = 10_000
"""Characters that a line may have: reading one key of fifty thousand parts takes minutes."""


def _table(path: Path, text: str) -> dict[str, Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LINE:
            raise UsageError(f"{path}: line {number} has more than {LINE} characters")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"cannot read expected failures from {path}: {error}") from None


def as_expected(result: Result, expected: Sequence[Expectation]) -> Result:
    """An expected failure is marked as one; one that passes is a failure."""
    for expectation in expected:
        if expectation.id != result.id or result.verdict == "skipped":
            continue
        if result.bad:
            return replace(
                result,
                verdict="expected_failure",
                reason=expectation.reason,
                reference=expectation.reference,
            )
        reason = f"was expected to fail ({expectation.reason}) and passed: remove the entry"
        return replace(result, verdict="failed", reason=reason, surprise=True)
    return result
