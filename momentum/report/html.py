"""Results as one self-contained page: no network, no script."""

import math
from itertools import pairwise

from markupsafe import Markup

from momentum.checks.result import Result, Results, Series
from momentum.report import digest, svg, words
from momentum.report.templates import rendered

_FLOOR = 1e-3
"""Ratios below are drawn here, as a logarithmic axis has no zero."""

_MARKS = {
    "passed": "ok",
    "failed": "WRONG",
    "errored": "ERROR",
    "expected_failure": "expected",
    "no_claim": "no claim",
}


def render(results: Results, *, strict: bool = False) -> str:
    """The page."""
    wrong, hints = results.wrong(strict), words.advice(results, strict)
    word, sentence = words.headline(results, strict)
    tried = {r.dtype for r in results.results if r.verdict != "skipped"}
    return rendered(
        "page.html.j2",
        results=results,
        header=results.header,
        word=word,
        sentence=sentence,
        tone={"PASSED": "good", "FAILED": "bad", "BROKEN": "bad"}.get(word, "warn"),
        held_to=words.held_to(results.header),
        counts=words.counts(results, strict),
        versions=words.versions(results.header),
        power=words.power(results),
        dtypes=[d for d in results.header.dtypes if d in tried],
        families=words.families(results.results),
        skipped=digest.skipped(results.results),
        wrong=digest.findings(wrong),
        advice=digest.findings(hints),
        amounts={"wrong": len(wrong), "advice": len(hints)},
        unclaimed=[r for r in results.results if r.verdict == "no_claim"],
        expected=[r for r in results.results if r.verdict == "expected_failure"],
        impulse=_impulse(results.impulse),
        cell=_cell,
        failure=lambda r: _failure(results, r),
    )


def _cell(result: Result) -> dict[str, object]:
    """Words and tone of one field of the table."""
    tone = {"passed": "good", "expected_failure": "warn", "no_claim": "warn"}.get(
        result.verdict, "bad"
    )
    if result.verdict == "failed" and result.level == "should":
        tone = "warn"
    ratios = [(how, words.number(x)) for how, x in result.ratios.items()]
    return {"mark": _MARKS[result.verdict], "tone": tone, "ratios": ratios, "title": result.where}


def _failure(results: Results, result: Result) -> dict[str, object]:
    """What the page tells of one failed result."""
    return {
        "dtype": result.dtype,
        "evidence": words.evidence(result),
        "place": words.place(result),
        "setting": words.setting(result),
        "replay": words.replay(results.header, result),
        "series": result.series,
        "charts": [] if result.series is None else _charts(result.series),
        "innocent": result.series is not None and worst_ratio(result.series) <= 1,
    }


def worst_ratio(series: Series) -> float:
    """The largest error / bound of a series, over both comparisons."""
    return max((max(pair) for pair in _ratios(series)), default=0.0)


def _ratios(series: Series) -> list[tuple[float, float]]:
    along = [
        words.over(abs(got - exact), bound)
        for got, exact, bound in zip(series.got, series.exact, series.bound)
    ]
    single = [words.over(*pair) for pair in zip(series.step_error, series.step_bound)]
    return list(zip(along, single))


def _charts(series: Series) -> list[Markup]:
    """The trajectory with its bound as a band, and how many bounds the error is."""
    steps = [0, *series.steps]
    exact = [series.start, *series.exact]
    bound = [0.0, *(b if math.isfinite(b) else 0.0 for b in series.bound)]
    first = svg.chart(
        f"Value of {series.where} after each step: the subject and the exact trajectory",
        svg.Axes("step", "value"),
        [
            svg.Line("subject", "subject", steps, [series.start, *series.got], dots=True),
            svg.Line("exact", "exact", steps, exact),
        ],
        [
            svg.Band(
                "within the bound",
                "exact",
                steps,
                [x - b for x, b in zip(exact, bound)],
                [x + b for x, b in zip(exact, bound)],
            )
        ],
    )
    ratios = _ratios(series)
    top = max((r for pair in ratios for r in pair if math.isfinite(r)), default=1.0)
    # An infinite ratio is drawn above all others: nothing was allowed there.
    shown = [[min(max(r, _FLOOR), 10 * max(top, 1.0)) for r in pair] for pair in ratios]
    second = svg.chart(
        "Error after each step as a multiple of its bound; above 1 is wrong",
        svg.Axes("step", "error / bound", log=True),
        [
            svg.Line("1: the bound", "limit", [series.steps[0], series.steps[-1]], [1.0, 1.0]),
            svg.Line("whole trajectory", "subject", series.steps, [p[0] for p in shown], True),
            svg.Line("single step", "single", series.steps, [p[1] for p in shown]),
        ],
    )
    return [first, second]


def _impulse(series: Series | None) -> dict[str, object] | None:
    """How far each step moves the parameter after one gradient of 1."""
    if series is None:
        return None
    moved = []
    for values in (series.exact, series.got):
        path = [series.start, *values]
        moved.append([a - b for a, b in pairwise(path)])
    drawn = svg.chart(
        "Impulse response: how far each step moves the parameter after a single gradient of 1",
        svg.Axes("step", "move"),
        [
            svg.Line("subject", "subject", series.steps, moved[1], dots=True),
            svg.Line("convention", "exact", series.steps, moved[0]),
        ],
    )
    return {"chart": drawn, "note": series.note}
