"""The four traces, to every digit that the article prints."""

from fractions import Fraction

import pytest

from momentum.article.traces import SPECTRUM, START, STEPS, TRACES, points
from momentum.theory.quadratic import Quadratic, is_stable, iterate

# The article's: method, learning rate, momentum, x1, x2 as printed.
PRINTED = [
    (0.4, 0.0, "-0.943467", "-0.000073"),
    (0.6, 0.0, "-0.387814", "-1673.365109"),
    (0.4, 0.5, "-0.062843", "0.001202"),
    (0.6, 0.5, "0.007188", "0.002553"),
]

traces = pytest.mark.parametrize("trace", TRACES, ids=lambda t: f"lr{t.lr}-momentum{t.momentum}")


@pytest.mark.parametrize(
    ("trace", "printed"),
    list(zip(TRACES, PRINTED, strict=True)),
    ids=lambda x: str(x[:2]) if isinstance(x, tuple) else "",
)
def test_points_end_at_the_printed_digits(trace, printed):
    last = points(trace)[-1]
    assert (trace.lr, trace.momentum, *(f"{x:.6f}" for x in last)) == printed
    assert tuple(f"{x:.6f}" for x in trace.article) == printed[2:]


@traces
def test_points_begin_at_the_start_and_take_twenty_steps(trace):
    path = points(trace)
    assert path[0] == START == (-5.0, -2.0)
    assert len(path) == STEPS + 1 == 21


@traces
def test_points_print_as_the_exact_trajectory_does(trace):
    lr, momentum = Fraction(str(trace.lr)), Fraction(str(trace.momentum))
    for step, point in enumerate(points(trace)):
        for x, start, eigenvalue in zip(point, START, (Fraction(1, 5), 4), strict=True):
            exactly = iterate(trace.method, lr, momentum, eigenvalue, Fraction(start), step)
            assert f"{x:.6f}" == f"{float(exactly):.6f}"


@traces
def test_points_shrink_exactly_where_the_criterion_says_stable(trace):
    stable = is_stable(trace.method, trace.lr, trace.momentum, SPECTRUM)
    path = points(trace, steps=400)
    f = Quadratic(SPECTRUM)
    assert (f.value(path[-1]) < f.value(path[0])) == stable


def test_quadratic_of_the_traces_is_the_articles_function():
    assert Quadratic((Fraction(1, 5), 4)).value([-5, -2]) == Fraction(1, 10) * 25 + 2 * 4
    assert Quadratic((Fraction(1, 5), 4)).gradient([-5, -2]) == [-1, -8]
