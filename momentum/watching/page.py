"""A watch as one self-contained page: verdict, violations, and the worst ratio over the steps."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from momentum.report import svg
from momentum.report.templates import rendered
from momentum.watching import merging
from momentum.watching.report import WatchReport

_FLOOR = 1e-3
"""Ratios below are drawn here, as a logarithmic axis has no zero."""

POINTS = 2000
"""Of a curve; of a long run the worst of as many stretches is drawn."""


def render(reports: Sequence[WatchReport]) -> str:
    """The page of all ranks."""
    head, *lines = merging.retell(reports).splitlines()
    return rendered(
        "page.html.j2",
        Path(__file__).parent,
        head=head,
        tone={"passed": "good", "FAILED": "bad"}.get(head.partition(":")[0], "warn"),
        lines=lines,
        reports=sorted(reports, key=lambda r: r.rank),
        chart=_chart(reports),
    )


def _chart(reports: Sequence[WatchReport]) -> Markup:
    drawn = [curve(r.ratios) for r in reports]
    last = max((steps[-1] for steps, _ in drawn if steps), default=0)
    if not last:
        return Markup("")
    lines = [svg.Line("bound", "limit", [1, max(last, 2)], [1.0, 1.0])]
    lines += [
        svg.Line(f"rank {r.rank}", ("subject", "single", "exact")[i % 3], steps, ratios, True)
        for i, (r, (steps, ratios)) in enumerate(zip(reports, drawn))
    ]
    axes = svg.Axes("step", "error / bound", log=True)
    return svg.chart("Worst error of each verified step as a fraction of its bound", axes, lines)


def curve(ratios: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    """Steps and ratios as they are drawn: the worst of each stretch of a long run."""
    size = -(-len(ratios) // POINTS) or 1
    worst = [max(ratios[i : i + size], key=lambda x: x[1]) for i in range(0, len(ratios), size)]
    top = 1e30  # an infinite ratio is drawn, at the upper end
    return [step for step, _ in worst], [min(max(x, _FLOOR), top) for _, x in worst]
