"""Tables: all checks with their worst errors in every dtype, and one run step by step."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from momentum.checks.result import Result, Results, Series
from momentum.report import words
from momentum.report.foreign import one_line
from momentum.report.layout import printed


def checks(results: Results) -> RenderableType:
    """By family: name and sentence of each check, then a number for each way to compare."""
    used = {r.dtype for r in results.results if r.verdict != "skipped"}
    dtypes = [d for d in dict.fromkeys([*results.header.dtypes, *sorted(used)]) if d in used]
    parts: list[RenderableType] = [
        Text("CHECKS: the worst error as a fraction of its derived bound; above 1 is wrong", "bold")
    ]
    for family, found in words.families(results.results).items():
        table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, expand=True)
        table.add_column(family.replace("_", " ").upper(), ratio=1, overflow="fold")
        for dtype in dtypes:
            table.add_column(dtype, justify="right", width=10, no_wrap=True)
        for check, one in found.items():
            for row in _rows(check, one, dtypes):
                table.add_row(*row)
        parts += [Text(), table]
    return Group(*parts)


def _rows(check: str, found: Sequence[Result], dtypes: Sequence[str]) -> Iterator[list[Text]]:
    by_dtype = {r.dtype: r for r in found}
    hows = list(dict.fromkeys(how for r in found for how in r.ratios)) or [""]
    for i, how in enumerate(hows):
        name = f"{check}: {found[0].statement}" if i == 0 else ""
        label = Text(name + (f" [{how}]" if how else "")) if name else Text(f"  [{how}]")
        yield [label, *(_cell(by_dtype.get(d), how) for d in dtypes)]


def _cell(result: Result | None, how: str) -> Text:
    return Text() if result is None else Text(*_mark(result, how))


def _mark(result: Result, how: str) -> tuple[str, str]:
    if result.verdict == "expected_failure":
        return "expected", "yellow"
    if result.verdict == "errored":
        return "ERROR", "bold red"
    if result.verdict == "failed":
        if how and how not in result.ratios:
            return "-", ""
        tone = "bold red" if result.level == "must" else "yellow"
        return f"{words.number(result.ratios[how])} !" if how else "WRONG", tone
    if result.verdict != "passed":
        return result.verdict.replace("_", " "), "yellow"
    return (words.number(result.ratios.get(how, 0.0)) if how else "ok"), "green"


def steps(series: Series, *, colour: bool = False) -> str:
    """A series as a table, one row a step, for a replay."""
    table = Table(box=None, padding=(0, 0, 0, 3), pad_edge=False, header_style="")
    for name in ("step", "subject", "exact", "error/bound", "single step"):
        table.add_column(name, justify="right")
    table.add_row("0", f"{series.start:.9g}", f"{series.start:.9g}")
    for i, step in enumerate(series.steps):
        error = abs(series.got[i] - series.exact[i])
        ratios = [
            words.over(error, series.bound[i]),
            words.over(series.step_error[i], series.step_bound[i]),
        ]
        cells = [f"{step}", f"{series.got[i]:.9g}", f"{series.exact[i]:.9g}"]
        tone = "" if all(r <= 1 for r in ratios) else "bold red"
        table.add_row(*cells, *(words.number(r) for r in ratios), style=tone)
    head = Text(f"STEP BY STEP at {one_line(series.where)}", "bold")
    return printed([Text(), head, table], 100, colour)
