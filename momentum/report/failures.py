"""Failures in a terminal: what is behind some of them, and the checks that show it."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from momentum.report import words
from momentum.report.digest import Finding, Row
from momentum.report.foreign import one_line
from momentum.report.layout import labelled, section, some, under


def shown(
    finding: Finding, total: int, amount: int | None, tone: str, unexplained: str = ""
) -> Iterator[RenderableType]:
    """What is behind some failures, and the checks that show it.

    unexplained: why causes were not looked for to the end.
    """
    count = len(finding.results)
    of = f"{count} of {total} failures" if count < total else words.several(total, "failure")
    title = {
        "cause": f"CAUSE of {of}",
        "error": f"ERROR in {of}",
        "surprise": f"EXPECTED TO FAIL, AND PASSED: {of}",
        "unexplained": f"NO CAUSE {'FOUND' if unexplained else 'KNOWN'} for {of}",
        "law": f"LAWS BROKEN in {of}",
    }[finding.kind]
    lines: list[RenderableType] = []
    if finding.text:
        lines.append(Text(one_line(finding.text), "bold"))
        scope = [x for x in (finding.scope, f"in {', '.join(finding.dtypes)}") if x]
        lines.append(Text("; ".join(scope)))
    first = finding.checks if amount is None else finding.checks[:amount]
    rest = [row.check for row in finding.checks[len(first) :]]
    if amount is None:
        lines += [_in_full(row) for row in first]
    elif finding.kind == "error":
        lines.append(Text(some([row.check for row in finding.checks], min(amount, 8))))
    elif finding.kind == "surprise":
        told = [f"{r.id} {r.reason}" for row in first for r in row.results]
        lines += [Text(one_line(text)) for text in told]
        lines += [Text(f"and also {some(rest, 4)}")] if rest else []
    elif finding.kind == "law":
        lines += [line for row in first for line in _law(row)]
    else:
        lines.append(_told(first))
        if rest:
            lines.append(Text(f"and also {some(rest, 4 if amount > 3 else 2)}"))
    yield from section(title, lines, tone)


def _told(rows: Sequence[Row]) -> RenderableType:
    """One row a check: where it failed, and by how much."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("check", "in", "where it is farthest off"):
        table.add_column(name, overflow="fold")
    table.add_column("by how much", overflow="fold", min_width=16)
    for row in rows:
        worst = row.worst
        others = len({r.shown_in for r in row.results}) - 1
        where = worst.where if worst.verdict != "errored" else ""
        dtype = worst.shown_in + (f" +{others}" if others else "")
        cells = (row.check, dtype, where, words.amount(worst))
        table.add_row(*(Text(one_line(text)) for text in cells))
    return table


def _law(row: Row) -> Iterator[RenderableType]:
    """What a law says, and what was observed."""
    worst = row.worst
    yield Text(f"{row.check}: ", "bold") + Text(one_line(worst.statement), "not bold")
    others = len({r.shown_in for r in row.results}) - 1
    found = (worst.where, words.amount(worst), worst.explanation)
    seen = "; ".join(x for x in found if x)
    where = f"not so in {worst.shown_in}{f' +{others}' if others else ''}: {seen}"
    yield under(Text(one_line(where)))


def _in_full(row: Row) -> RenderableType:
    """One check with all that is known: what it says, each dtype, the source, a replay."""
    rows = []
    for r in row.results:
        found = [words.evidence(r), words.place(r), words.setting(r).partition(", ")[2]]
        found += [f"{r.shared} alone fails as it does"] if r.shared else []
        rows.append((r.dtype, Text(one_line("; ".join(x for x in found if x)))))
    rows.append(("source", Text(one_line(row.worst.source), "dim")))
    head = Text(f"{row.check}: ", "bold") + Text(one_line(row.worst.statement), "not bold")
    return Group(head, under(labelled(rows)))
