"""Small line charts as inline SVG; colours come from the page, so that they follow its theme."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from momentum.report.templates import rendered

WIDTH, HEIGHT = 640, 260
_SMALLEST, _LARGEST = 1e-290, 1e300
_LEFT, _RIGHT, _TOP, _BOTTOM = 100, 12, 12, 46


class Line(NamedTuple):
    """One curve. css: class that the page paints it by. Points that are not finite are left out."""

    name: str
    css: str
    x: Sequence[float]
    y: Sequence[float]
    dots: bool = False


class Band(NamedTuple):
    """The area between two curves."""

    name: str
    css: str
    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Axes:
    """What the axes say. log: the y axis is logarithmic, and its values are positive."""

    x: str
    y: str
    log: bool = False


def chart(title: str, axes: Axes, lines: Sequence[Line], bands: Sequence[Band] = ()) -> Markup:
    """A chart with a legend; `title` is what a screen reader says."""
    xs = [x for line in lines for x in line.x]
    ys = [y for line in lines for y in line.y if math.isfinite(y)]
    ys += [y for band in bands for y in (*band.low, *band.high) if math.isfinite(y)]
    if not xs or not ys:
        return Markup("")
    low, high = _range(ys, axes.log)
    left, right = min(xs), max(max(xs), min(xs) + 1)
    scale = math.log10 if axes.log else float
    floor, top = scale(low), scale(high)
    bottom = HEIGHT - _BOTTOM

    def across(x: float) -> float:
        return round(_LEFT + (x - left) / (right - left) * (WIDTH - _LEFT - _RIGHT), 1)

    def up(y: float) -> float:
        part = (scale(min(max(y, low), high)) - floor) / (top - floor)
        return round(bottom - part * (bottom - _TOP), 1)

    def points(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
        return [(across(a), up(b)) for a, b in zip(x, y) if math.isfinite(b)]

    every = max(1, math.ceil((right - left) / 12))
    return rendered(
        "chart.svg.j2",
        title=title,
        axes=axes,
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        bottom=bottom,
        rows=[(up(y), f"{y:.4g}") for y in _ticks(low, high, axes.log)],
        columns=[(across(x), x) for x in range(math.ceil(left), math.floor(right) + 1, every)],
        bands=[(b, points(b.x, b.high) + points(b.x, b.low)[::-1]) for b in bands],
        lines=[(line, points(line.x, line.y)) for line in lines],
    )


def _range(values: Sequence[float], log: bool) -> tuple[float, float]:
    """What an axis shows, far enough from overflow for differences and quotients."""
    low, high = (min(max(v, -_LARGEST), _LARGEST) for v in (min(values), max(values)))
    if log:
        low, high = (
            10.0 ** rounded(math.log10(max(v, _SMALLEST)))
            for rounded, v in ((math.floor, low), (math.ceil, high))
        )
        return (low, high) if low < high else (low / 10, high * 10)
    pad = max((high - low) * 0.1, abs(high) * 1e-6, _SMALLEST)
    return low - pad, high + pad


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        first, last = round(math.log10(low)), round(math.log10(high))
        return [10.0**k for k in range(first, last + 1, max(1, (last - first + 4) // 5))]
    rough = (high - low) / 5
    size = 10.0 ** math.floor(math.log10(rough))
    unit = next(size * m for m in (1, 2, 5, 10, 20) if size * m >= rough)
    first = math.ceil(low / unit)
    return [k * unit for k in range(first, math.floor(high / unit) + 1)]
