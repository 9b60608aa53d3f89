"""Small line charts as inline SVG; colours come from the page, so that they follow its theme."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from momentum.report.foreign import visible

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


def chart(title: str, axes: Axes, lines: Sequence[Line], bands: Sequence[Band] = ()) -> str:
    """A chart with a legend; `title` is what a screen reader says."""
    xs = [x for line in lines for x in line.x]
    ys = [y for line in lines for y in line.y if math.isfinite(y)]
    ys += [y for band in bands for y in (*band.low, *band.high) if math.isfinite(y)]
    if not xs or not ys:
        return ""
    low, high = _range(ys, axes.log)
    left, right = min(xs), max(max(xs), min(xs) + 1)
    scale = math.log10 if axes.log else float
    bottom, top = scale(low), scale(high)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / (right - left)
        up = (scale(min(max(y, low), high)) - bottom) / (top - bottom)
        return (
            _LEFT + across * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM),
        )

    parts = [_grid(place, axes, (left, right), (low, high))]
    parts += [_band(place, band) for band in bands]
    parts += [_curve(place, line) for line in lines]
    drawing = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(visible(title))}">'
        f"{''.join(parts)}</svg>"
    )
    keys = [(band.name, f"{band.css} area") for band in bands]
    keys += [(line.name, line.css) for line in lines]
    legend = "".join(f'<li class="{css}"><i></i>{escape(visible(name))}</li>' for name, css in keys)
    return f'{drawing}<ul class="legend">{legend}</ul>'


Place = Callable[[float, float], tuple[float, float]]


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


def _grid(place: Place, axes: Axes, across: tuple[float, float], up: tuple[float, float]) -> str:
    parts = []
    for y in _ticks(*up, axes.log):
        x0, height = place(across[0], y)
        parts.append(
            f'<line class="grid" x1="{x0:.1f}" y1="{height:.1f}"'
            f' x2="{WIDTH - _RIGHT}" y2="{height:.1f}"/>'
            f'<text x="{x0 - 6:.1f}" y="{height + 5:.1f}" text-anchor="end">{y:.4g}</text>'
        )
    every = max(1, math.ceil((across[1] - across[0]) / 12))
    for x in range(math.ceil(across[0]), math.floor(across[1]) + 1, every):
        width, _ = place(x, up[0])
        parts.append(
            f'<text x="{width:.1f}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">{x}</text>'
        )
    parts.append(
        f'<text x="{(WIDTH + _LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(axes.x)}</text>"
        f'<text transform="translate(16 {(HEIGHT - _BOTTOM) / 2}) rotate(-90)"'
        f' text-anchor="middle">{escape(axes.y)}</text>'
    )
    return "".join(parts)


def _points(place: Place, x: Sequence[float], y: Sequence[float]) -> list[str]:
    return ["{:.1f},{:.1f}".format(*place(a, b)) for a, b in zip(x, y) if math.isfinite(b)]


def _band(place: Place, band: Band) -> str:
    there = _points(place, band.x, band.high)
    back = _points(place, band.x, band.low)[::-1]
    return f'<polygon class="{band.css} area" points="{" ".join(there + back)}"/>'


def _curve(place: Place, line: Line) -> str:
    points = _points(place, line.x, line.y)
    drawn = f'<polyline class="{line.css}" points="{" ".join(points)}"/>'
    if line.dots:
        for point in points:
            x, y = point.split(",")
            drawn += f'<circle class="{line.css}" cx="{x}" cy="{y}" r="3.5"/>'
    return drawn
