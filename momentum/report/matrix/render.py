"""The matrix as text for a terminal and as a self-contained page; pure functions."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from momentum.checks import CHECKS
from momentum.conventions import CONVENTIONS
from momentum.diagnosis.comparing import Cell
from momentum.report.matrix.rows import Row
from momentum.report.templates import rendered

MARKS = {"failed": "X", "expected": "e", "advice": "a", "passed": ".", "skipped": "-"}
"""Kinds of results and their marks; a family has the mark of the first that it has."""


def text(rows: Sequence[Row], absent: Mapping[str, str]) -> str:
    """Both tables, 80 columns wide at most where names are short."""
    return "\n".join([*_families(rows), "", *_conventions(rows), "", *_notes(rows, absent)]) + "\n"


def markdown(rows: Sequence[Row], absent: Mapping[str, str], setting: Mapping[str, object]) -> str:
    """The same as a page of the documentation, with what is wrong where and why."""
    how = f"`momentum matrix --effort {setting['effort']} --seed {setting['seed']}`"
    blocks = (_conventions(rows), _families(rows), _notes(rows, absent))
    lines = [
        "# Matrix",
        "",
        f"What {how} of momentum {setting['momentum']} found, each row in a run of its own: every",
        "implementation against every convention, and under every family of checks.",
    ]
    for block in blocks:
        lines += ["", "```text", *block, "```"]
    lines += ["", "## What failed", ""]
    for r in rows:
        lines += [f"- **{r.name}**: {text}" for text in _reasons(r)]
    return "\n".join(lines) + "\n"


def _reasons(r: Row) -> Iterator[str]:
    """A line for each kind of failure and reason: the checks, and why or how far."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in r.wrong:
        why = one["evidence"] if one["kind"] == "expected" else ""
        found.setdefault((one["kind"], why), []).append(one["id"])
    words = {"expected": "known", "failed": "failed", "advice": "advice"}
    for (kind, why), ids in found.items():
        names = ", ".join(f"`{name}`" for name in sorted(ids))
        yield f"{words[kind]}: {names}" + (f" ({why})" if why else "")


def families() -> list[str]:
    """All families, in the order of the registry."""
    return list(dict.fromkeys(c.family for c in CHECKS.values()))


def conventions(rows: Sequence[Row]) -> list[str]:
    """Those of the package, and then the others that a row was compared with."""
    return list(dict.fromkeys([*CONVENTIONS, *(name for r in rows for name in r.cells)]))


def mark(counts: Mapping[str, int]) -> str:
    """The worst that a family has."""
    return next((m for kind, m in MARKS.items() if counts.get(kind)), " ")


def shown(cell: Cell) -> str:
    """A comparison in a word, or by how much it differs."""
    words = {"same": "same", "constant": "const", "partly": "part"}
    if cell.kind in words:
        return words[cell.kind]
    return f"{cell.apart:.2g}" if cell.apart < float("inf") else "-"


def _width(rows: Sequence[Row]) -> int:
    """Of the column of names."""
    return max(28, *(len(r.name) for r in rows)) if rows else 28


def _families(rows: Sequence[Row]) -> Iterator[str]:
    names, width = families(), _width(rows)
    letters = _letters(len(names))
    yield "IMPLEMENTATION x FAMILY OF CHECKS"
    heads = ("pass", "fail", "adv", "exp", "skip")
    yield f"{'':<{width}}" + "".join(f"{h:>5}" for h in heads) + f"  {letters}"
    for r in rows:
        counts = r.counts
        numbers = "".join(f"{counts[k]:>5}" for k in counts) if r.families else f"{'not run':>25}"
        marks = "".join(mark(r.families.get(f, {})) for f in names)
        yield f"{r.name:<{width}}{numbers}  {marks}".rstrip()
    legend = "; ".join(f"{a} {n.replace('_', ' ')}" for a, n in zip(letters, names))
    meaning = ". all passed, - none applies, a only advice failed, e failed as known, X failed"
    yield from textwrap.wrap(meaning, 80)
    yield from textwrap.wrap(legend, 80)


def _conventions(rows: Sequence[Row]) -> Iterator[str]:
    yield "IMPLEMENTATION x CONVENTION (* its own)"
    columns, width = conventions(rows), _width(rows)
    heads = [CONVENTIONS[c].label if c in CONVENTIONS else "" for c in columns]
    yield f"{'':<{width}}" + "".join(f"{head or c[:6]:>7}" for c, head in zip(columns, heads))
    for r in rows:
        own = r.convention.partition(":")[0]
        cells = "".join(
            f"{shown(r.cells[c]) + '*' * (c == own):>7}" if c in r.cells else f"{'?':>7}"
            for c in columns
        )
        yield f"{r.name:<{width}}{cells}"
    yield from textwrap.wrap(
        "same: equal, number for number; const: equal while the rate is constant; part: equal but"
        " for an option (Nesterov, dampening, nu); a number: largest distance, in units of how far"
        " the convention moves; -: it lacks what the implementation always does",
        80,
    )


def _notes(rows: Sequence[Row], absent: Mapping[str, str]) -> Iterator[str]:
    versions = {name: v for r in rows for name, v in r.versions.items()}
    if versions:
        words = ", ".join(f"{name} {v}" for name, v in versions.items())
        yield from textwrap.wrap(f"Versions: {words}", 80)
    for r in rows:
        if r.lost:
            yield from textwrap.wrap(f"{r.name}: {r.lost}", 80)
    if absent:
        yield from textwrap.wrap(f"Not installed: {', '.join(absent)}", 80)


def _letters(count: int) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return alphabet[:count]


def page(rows: Sequence[Row], absent: Mapping[str, str], setting: Mapping[str, object]) -> str:
    """The page: both tables in full, and for each implementation what is wrong, with evidence."""
    return rendered(
        "page.html.j2",
        Path(__file__).parent,
        rows=rows,
        absent=absent,
        setting=setting,
        families=families(),
        conventions=conventions(rows),
        mark=mark,
        marks=MARKS,
        shown=shown,
        tone={"X": "bad", "e": "warn", "a": "warn", ".": "good", "-": "soft", " ": "soft"},
    )
