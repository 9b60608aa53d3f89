"""Charts put points where they belong, whatever the numbers are."""

import re

import pytest

from momentum.report.svg import HEIGHT, WIDTH, Axes, Band, Line, chart


def points(text, css):
    found = re.search(rf'<polyline class="{css}" points="([^"]*)"', text)
    return [tuple(map(float, pair.split(","))) for pair in found[1].split()]


def test_chart_puts_larger_values_higher_and_later_steps_to_the_right():
    drawn = chart("t", Axes("step", "value"), [Line("a", "a", [0, 1, 2], [0.0, 1.0, 3.0])])
    (x0, y0), (x1, y1), (x2, y2) = points(drawn, "a")
    assert x0 < x1 < x2
    assert y0 > y1 > y2
    # Coordinates are written to a tenth, so six of them are off by three tenths at most.
    assert abs(round(10 * (y1 - y2)) - 2 * round(10 * (y0 - y1))) <= 3


def test_chart_has_equal_distances_for_equal_factors_on_a_logarithmic_axis():
    drawn = chart("t", Axes("s", "v", log=True), [Line("a", "a", [0, 1, 2], [0.1, 1.0, 10.0])])
    y = [p[1] for p in points(drawn, "a")]
    assert abs(round(10 * (y[0] - y[1])) - round(10 * (y[1] - y[2]))) <= 2


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.0],
        [1.0, 1.0],
        [-1e308, 1e308],
        [5e-324, 0.0],
        [1e-310, 2e-310],
        [1.0, float("nan")],
        [float("inf"), 2.0],
        [1e300, 1e300],
        [3.0],
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_chart_stays_inside_its_frame(values, log):
    if log:
        values = [abs(v) or 1e-3 for v in values]
    drawn = chart(
        "t", Axes("step", "value", log), [Line("a", "a", list(range(len(values))), values)]
    )
    for x, y in points(drawn, "a"):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert drawn.count("<text") < 40


def test_chart_of_nothing_is_empty():
    assert chart("t", Axes("s", "v"), []) == ""
    assert chart("t", Axes("s", "v"), [Line("a", "a", [1], [float("nan")])]) == ""


def test_chart_draws_bands_between_their_edges():
    band = Band("within", "b", [0, 1], [0.0, 1.0], [2.0, 3.0])
    drawn = chart("t", Axes("s", "v"), [Line("a", "a", [0, 1], [1.0, 2.0])], [band])
    corners = re.search(r'<polygon class="b area" points="([^"]*)"', drawn)[1].split()
    assert len(corners) == 4
    assert "within" in drawn


def test_chart_escapes_its_words():
    drawn = chart('"<t>"', Axes("<x>", "&y"), [Line("<a>", "a", [0, 1], [0.0, 1.0])])
    assert "<t>" not in drawn
    assert "<x>" not in drawn
    assert "&amp;y" in drawn
