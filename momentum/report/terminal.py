"""Results as text for a terminal: the verdict first and last, what is wrong just above it."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Literal

from momentum.checks.result import Result, Results, Series
from momentum.report import words

Style = Literal["", "good", "bad", "warn", "head", "dim"]
_CODES = {"good": "1;32", "bad": "1;31", "warn": "33", "head": "1", "dim": "2"}
_CELL = 10


def render(
    results: Results,
    *,
    width: int = 80,
    colour: bool = False,
    strict: bool = False,
    seconds: float | None = None,
) -> str:
    """The whole report. No line but a replay command is longer than `width` (60 at least)."""
    page = _Page(max(width, 60), colour)
    _verdict(page, results, strict)
    _setting(page, results, seconds)
    _table(page, results)
    _skipped(page, results)
    _expected(page, results)
    advice = words.advice(results, strict)
    if advice:
        page.head("ADVICE (hygiene; leaves the verdict alone unless --strict)")
        _failures(page, results, advice, "warn")
    wrong = results.wrong(strict)
    if wrong:
        page.head("FAILURES")
        _failures(page, results, wrong, "bad")
    page.line()
    _verdict(page, results, strict)
    return page.text


class _Page:
    """Lines of text, wrapped and painted."""

    def __init__(self, width: int, colour: bool) -> None:
        self.width, self.colour = width, colour
        self.text = ""

    def paint(self, text: str, style: Style) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colour and style else text

    def line(self, text: str = "", style: Style = "") -> None:
        self.text += self.paint(text, style) + "\n"

    def head(self, text: str) -> None:
        self.line()
        self.wrapped(text, "head")

    def wrapped(self, text: str, style: Style = "", first: str = "", rest: str = "") -> None:
        lines = textwrap.wrap(
            text, self.width, initial_indent=first, subsequent_indent=rest or " " * len(first)
        )
        for line in lines:
            self.line(line, style)


def _verdict(page: _Page, results: Results, strict: bool) -> None:
    word, text = words.headline(results, strict)
    styles: dict[str, Style] = {"PASSED": "good", "FAILED": "bad", "BROKEN": "bad"}
    page.wrapped(f"{word}: {text}", styles.get(word, "warn"), rest="  ")
    for cause in words.causes(results.wrong(strict))[:3]:
        page.wrapped(f"cause: {cause}", "head", first="  ", rest="  ")
    page.wrapped(words.counts(results, strict), first="  ")


def _setting(page: _Page, results: Results, seconds: float | None) -> None:
    header = results.header
    page.line()
    how = "identified from its behaviour" if header.identified else "as asked"
    rows = [
        ("subject", header.target),
        ("convention", f"{header.convention}, {how}"),
        *(("", f"  {line}") for line in header.formula),
        ("control", results.control or "not run"),
        ("effort", f"{header.effort}, seed {header.seed}, dtypes {', '.join(header.dtypes)}"),
        ("versions", ", ".join(f"{k} {v}" for k, v in header.versions.items())),
    ]
    if seconds is not None:
        rows.append(("time", f"{seconds:.1f} s"))
    for name, text in rows:
        indent = " " * 12 + (" " * (len(text) - len(text.lstrip())))
        page.wrapped(text.strip(), first=f"{name:<12}" if name else indent, rest=indent)


def _table(page: _Page, results: Results) -> None:
    """By family: the sentence, then the worst error / bound in every dtype."""
    ran = words.families(results.results)
    if not ran:
        return
    used = {r.dtype for r in results.results if r.verdict != "skipped"}
    dtypes = [d for d in dict.fromkeys([*results.header.dtypes, *sorted(used)]) if d in used]
    page.head("CHECKS: the worst error as a fraction of its derived bound; above 1 is wrong")
    room = page.width - _CELL * len(dtypes)
    for family, checks in ran.items():
        page.line()
        title = f"{family.replace('_', ' ').upper():<{room}}"
        page.line(title + "".join(f"{d:>{_CELL}}" for d in dtypes), "head")
        for check, found in checks.items():
            page.wrapped(found[0].statement, rest="  ")
            for line in _rows(page, check, found, dtypes, room):
                page.line(line)


def _rows(
    page: _Page, check: str, found: Sequence[Result], dtypes: Sequence[str], room: int
) -> Iterator[str]:
    by_dtype = {r.dtype: r for r in found}
    hows = list(dict.fromkeys(how for r in found for how in r.ratios)) or [""]
    for i, how in enumerate(hows):
        name = f"  {check if i == 0 else ''}"
        if len(name) + len(how) + 1 > room:
            yield page.paint(name, "dim")
            name = " "
        label = page.paint(name, "dim") + how.rjust(room - len(name))
        yield label + "".join(_cell(page, by_dtype.get(d), how) for d in dtypes)
    where = max(found, key=lambda r: r.ratio)
    if where.where and not where.bad and where.ratio > 0:
        yield page.paint(f"    worst in {where.dtype} at {where.where}", "dim")


def _cell(page: _Page, result: Result | None, how: str) -> str:
    if result is None:
        return " " * _CELL
    text, style = _mark(result, how)
    return page.paint(f"{text:>{_CELL}}", style)


def _mark(result: Result, how: str) -> tuple[str, Style]:
    if result.verdict == "expected_failure":
        return "expected", "warn"
    if result.verdict == "errored":
        return "ERROR", "bad"
    if result.verdict == "failed":
        bad: Style = "bad" if result.level == "must" else "warn"
        if how and how not in result.ratios:
            return "-", ""
        return f"{words.number(result.ratios[how])} !" if how else "WRONG", bad
    return (words.number(result.ratios.get(how, 0.0)) if how else "ok"), "good"


def _skipped(page: _Page, results: Results) -> None:
    reasons = words.skipped(results.results)
    if not reasons:
        return
    page.head(f"SKIPPED ({results.counts['skipped']})")
    for reason, names in reasons.items():
        amount = sum(r.verdict == "skipped" and r.reason == reason for r in results.results)
        page.wrapped(f"{reason}: {', '.join(names)}", first=f"  {amount:>3} x ")


def _expected(page: _Page, results: Results) -> None:
    known = [r for r in results.results if r.verdict == "expected_failure"]
    if known:
        page.head(f"EXPECTED FAILURES ({len(known)})")
        for r in known:
            page.wrapped(
                f"{r.id}: {r.reason}" + (f" ({r.reference})" if r.reference else ""), first="  "
            )
    if results.stale:
        page.head(f"STALE EXPECTATIONS ({len(results.stale)}): they match no result")
        for name in results.stale:
            page.line(f"  {name}", "warn")


def _failures(page: _Page, results: Results, wrong: Sequence[Result], style: Style) -> None:
    """One entry a check: what it says, what was found in each dtype, why, and one replay."""
    tried = [r for r in wrong if not words.untried(r)]
    for i, (check, found) in enumerate(words.by_check(tried).items(), 1):
        if i > 1:
            page.line()
        page.wrapped(f"{i}. {check}: {', '.join(r.dtype for r in found)}", style, rest="   ")
        page.wrapped(found[0].statement, first="   ")
        for result in found:
            page.wrapped(words.evidence(result), style, first=f"   {result.dtype:<9} ")
            hyper = words.setting(result).partition(", ")[2]  # the format stands before
            where = [x for x in (words.place(result), hyper) if x]
            if where:
                page.wrapped("; ".join(where), first=" " * 13)
        for cause in words.causes(found):
            page.wrapped(cause, "head", first="   cause     ")
        page.wrapped(found[0].source, "dim", first="   source    ")
        again = words.replay(results.header, found[0])
        if again:
            page.line(f"   replay    {found[0].dtype}, in one line:", "dim")
            page.line(again)
    for reason in dict.fromkeys(r.reason for r in wrong if words.untried(r)):
        page.line()
        page.wrapped(f"{sum(r.reason == reason for r in wrong)} more results {reason}", style)


def steps(series: Series, *, colour: bool = False) -> str:
    """A series as a table, one row a step, for a replay."""
    page = _Page(80, colour)
    page.head(f"STEP BY STEP at {series.where}")
    page.line(f"{'step':>5}{'subject':>17}{'exact':>17}{'error/bound':>14}{'single step':>14}")
    page.line(f"{0:>5}{series.start:>17.9g}{series.start:>17.9g}")
    for i, step in enumerate(series.steps):
        error = abs(series.got[i] - series.exact[i])
        ratios = [
            words.over(error, series.bound[i]),
            words.over(series.step_error[i], series.step_bound[i]),
        ]
        row = f"{step:>5}{series.got[i]:>17.9g}{series.exact[i]:>17.9g}"
        row += "".join(f"{words.number(r):>14}" for r in ratios)
        page.line(row, "" if all(r <= 1 for r in ratios) else "bad")
    return page.text
