"""Coefficients of a step and what rounding may do to them, term by term, worked by hand."""

import math

import numpy as np
import pytest
from flint import fmpq

from momentum.arithmetic import FORMATS, format_of
from momentum.arithmetic.expanded import Compound, Term
from momentum.oracle.coefficients import Measure, Number, _larger
from momentum.oracle.deviation import Comparison, Deviation
from momentum.oracle.expansion import Output, Way
from momentum.oracle.kernels import Block, fits, off_format
from momentum.oracle.sinks import distance

SINGLE, HALF, DOUBLE = (FORMATS[n] for n in ("float32", "float16", "float64"))
FLUSHING = format_of("float32:flushing")
U, TINY = SINGLE.operation_u, SINGLE.underflow
DOUBT = 1e-9
NUMBERS = {
    "half": Number(0.5, 0.0), "one": Number(1.0, 0.0), "two": Number(2.0, 0.0),
    "three": Number(3.0, 0.0), "lr": Number(0.1, DOUBT), "zero": Number(0.0, DOUBT),
    "less": Number(2.0**-62, 0.0), "least": Number(2.0**-63, 0.0),
}  # fmt: skip


def measure(format=SINGLE, own_error=False):
    return Measure(NUMBERS, format, own_error)


def about(found, wanted):
    """At least what it is, and hardly more."""
    return wanted <= found <= wanted * (1 + 2.0**-20)


def like(found, wanted, part):
    """Differences of sums that agree in most digits keep this part of their own."""
    return abs(found - wanted) <= part * wanted


# Numbers.


@pytest.mark.parametrize(
    ("x", "format", "error"),
    [
        (0.1, SINGLE, abs(float(np.float32(0.1)) - 0.1)),
        (0.1, HALF, abs(float(np.float16(0.1)) - 0.1)),
        (1 + 2.0**-12, HALF, 2.0**-12),
        (0.5, HALF, 0.0),
        (0.1, DOUBLE, 0.0),
        (2.0**-130, FLUSHING, 2.0**-130),
        (2.0**-130, SINGLE, 0.0),
        (2.0**-126, FLUSHING, 0.0),
        (fmpq(1, 2), SINGLE, 0.0),
        (1e300, SINGLE, math.inf),
        (fmpq(10**300), SINGLE, math.inf),
    ],
)
def test_a_number_is_in_doubt_by_the_worst_way_to_hold_it(x, format, error):
    assert Number.given(x, format) == (float(x.p) / float(x.q) if isinstance(x, fmpq) else x, error)


def test_a_rational_is_in_doubt_by_its_distance_rounded_up():
    third = Number.given(fmpq(1, 3), DOUBLE)
    assert third.value == 1 / 3
    apart = fmpq(1, 3) - fmpq(*(1 / 3).as_integer_ratio())
    assert fmpq(*third.error.as_integer_ratio()) >= apart
    assert third.error == math.nextafter(2.0**-54 / 3, math.inf)


# Products.


@pytest.mark.parametrize(
    ("term", "size", "roundings", "lost", "floors", "reach"),
    [
        (Term(1, (), "d"), 1, 0, 0, 0, 1),
        (Term(1, ("half",), "d"), 0.5, 0, 0, 1, 1),
        (Term(1, ("one",), "d"), 1, 0, 0, 0, 1),
        (Term(1, ("two",), "d"), 2, 0, 0, 0, 2),
        (Term(1, ("three",), "d"), 3, 1, 0, 3, 3),
        (Term(-3, (), "d"), 3, 1, 0, 0, 3),
        (Term(2, ("three", "three"), "d"), 18, 2, 0, 2 * 18, 18),
        (Term(1, ("three", "three"), ""), 9, 1, 0, 2 * 9, 9),
        (Term(1, ("three",), ""), 3, 0, 0, 3, 3),
        (Term(1, ("half", "half"), ""), 0.25, 0, 0, 2, 1),
        (Term(1, ("least", "less"), "d"), 2.0**-125, 0, 0, 2, 1),  # twice the smallest normal one
        (Term(1, ("least", "least"), "d"), 2.0**-126, 0, 2, 2, 1),
        (Term(1, ("least",), "d"), 2.0**-63, 0, 0, 1, 1),
        (Term(1, ("least", "least", "two"), "d"), 2.0**-125, 0, 6, 4, 2),  # small on the way
    ],
)
def test_a_product_rounds_as_often_as_its_factors_make_it(
    term, size, roundings, lost, floors, reach
):
    found = measure().path(term)
    assert (found.size, found.reach) == (size, reach)
    assert found.growth == roundings * measure().log
    assert found.lost == lost * TINY
    assert found.floor == floors * TINY


def test_a_factor_in_doubt_grows_the_product_and_one_that_may_be_zero_is_lost_whole():
    found = measure().path(Term(1, ("lr",), "d"))
    assert found.growth == math.log1p(DOUBT / 0.1) + measure().log
    assert found.reach == 1.0
    assert about(measure().path(Term(2, ("zero", "three"), "d")).lost, 6 * DOUBT)
    far = Measure({"x": Number(1.5, 0.25)}, SINGLE, False).path(Term(1, ("x",), "d"))
    assert far.reach == 1.75


def test_flushing_loses_twice_as_much_and_in_every_product():
    flushing = measure(FLUSHING)
    assert flushing.underflow == 2 * FLUSHING.underflow
    assert flushing.path(Term(1, ("two",), "d")).floor == flushing.underflow * 2
    assert flushing.path(Term(1, ("one",), "d")).floor == flushing.underflow
    assert flushing.path(Term(1, ("least", "least"), "d")).lost == 2 * flushing.underflow
    tiny = Measure({"x": Number(2.0**-126, 0.0)}, FLUSHING, False)
    assert tiny.path(Term(1, ("x",), "d")).lost == tiny.underflow


def test_a_term_is_measured_once():
    one, term = measure(), Term(1, ("three",), "d")
    assert one.path(term) is one.path(term)
    assert one.signed(Term(-2, ("three", "half"))) == -3.0


# Sums of numbers.


def test_sums_of_numbers_round_by_their_own_size_or_in_any_order():
    three, lr = Term(1, ("three",)), Term(-1, ("lr",))
    two = measure().sum((three, lr))
    assert two.value == 3.0 - 0.1
    assert about(two.error, DOUBT + U * (2.9 + DOUBT))
    many = measure().sum((three, lr, Term(-1, ("three",))))
    assert many.value == -0.1
    assert about(many.error, DOUBT + 2 * U * 6.1)
    alone = measure().sum((lr,))
    assert alone.value == -0.1
    assert about(alone.error, DOUBT)
    assert measure().sum(()) == (0.0, 0.0)
    own = measure(own_error=True).sum((three, lr))
    assert like(own.error - two.error, 2.0**-53 * 2.9, 2.0**-20)
    product = Term(1, ("three", "lr"))
    more = measure(own_error=True).sum((product,)).error - measure().sum((product,)).error
    assert like(more, 2.0**-53 * 0.3 * 3, 2.0**-10)
    flushing = measure(FLUSHING)
    lost = 3 * flushing.underflow  # of each product
    assert about(flushing.sum((three,)).error, lost)
    none = flushing.sum((three, Term(-1, ("three",))))
    assert about(none.error, 2 * lost + FLUSHING.lost_in_sums)


@pytest.mark.parametrize(("counted", "free"), [(255, True), (256, False)])
def test_a_count_of_steps_is_exact_while_it_is_short(counted, free):
    found = measure().sum((Term(counted), Term(1)))
    assert found.value == counted + 1
    assert (found.error == 0) == free


def test_quotients_are_in_doubt_by_the_least_divisor():
    one = measure()
    found = one.factor(Compound((Term(1, ("lr",)),), inverse=True))
    assert found.value == 1 / 0.1
    assert about(found.error, DOUBT / (0.1 * (0.1 - DOUBT)))
    own = measure(own_error=True).factor(Compound((Term(1, ("half",)),), inverse=True))
    assert own.error >= 2.0**-53 * 2
    assert one.factor(Compound((Term(1, ("zero",)),), inverse=True)) == (0.0, math.inf)
    doubtful = Measure({"x": Number(-0.5, 0.5)}, SINGLE, False)
    assert doubtful.factor(Compound((Term(1, ("x",)),), True)) == (-2.0, math.inf)
    assert one.factor(Compound((Term(1, ("lr",)),))).value == 0.1
    assert one.factor("three") == (3.0, 0.0)
    assert one.factor(0.75) == (0.75, 0.0)


# Steps.


def test_a_step_without_velocity_has_the_matrices_of_a_sum_and_a_product():
    theta = Output(forms=((Term(1, (), "x", 1), Term(-1, ("half",), "d", 1)),))
    step = measure().step({"x": theta}, {"x": 0, "d": 1})
    assert step.value.tolist() == [[1.0, -0.5]]
    old, x, d, off, floor = step.spread[0]
    assert about(x, U)
    assert about(d, 0.5 * U)
    assert about(old, 1 + U)
    assert about(off, 0.5 + 0.5 * U)
    assert about(floor, TINY)
    assert step.floor == (floor,)
    assert all(about(r, 1 + U) for r in step.reach[0])
    assert step.joined.shape == (1, 2 + 5 + 2)
    own = measure(own_error=True).step({"x": theta}, {"x": 0, "d": 1})
    assert like(own.spread[0][1] - x, 2.0**-53, 2.0**-10)
    assert like(own.spread[0][2] - d, 2.0**-53, 2.0**-10)


def test_like_terms_round_once_more_where_one_has_no_product():
    way = Way.of([Term(1, (), "v"), Term(-1, ("half",), "v"), Term(1, ("half",), "d")], True)
    assert [sums for _, sums in way.terms] == [3, 2, 2]
    assert way.sums == 2
    said = Way.of([Term(1, (), "v", 1), Term(1, ("half",), "d", 2)], False)
    assert [sums for _, sums in said.terms] == [1, 2]


def test_the_larger_one_is_what_no_claim_survives():
    assert _larger(1.0, 2.0) == _larger(2.0, 1.0) == _larger(2.0, 2.0) == 2.0
    assert math.isnan(_larger(math.nan, 2.0))


def test_a_block_takes_a_step_with_its_bound():
    theta = Output(forms=((Term(1, (), "x", 1), Term(-1, ("half",), "d", 1)),))
    step = measure().step({"x": theta}, {"x": 0, "d": 1})
    block = Block(np.array([3.0, -1.0]), [], SINGLE)
    block.take(step, np.array([2.0, 4.0]))
    assert block.value.tolist() == [2.0, -3.0]
    assert about(block.bound[0], 3 * U + 0.5 * 2 * U + TINY)
    assert about(block.bound[1], 1 * U + 0.5 * 4 * U + TINY)
    block.take(step, np.array([0.0, 0.1]))  # a tenth is no float32
    assert about(block.bound[0], 4 * U + 2 * U + 2 * TINY)
    tenth = abs(float(np.float32(0.1)) - 0.1)
    assert block.bound[1] >= 3 * U + 3 * U + 0.05 * U + 0.5 * tenth
    block.move_to(np.array([8.0, 1.0]))
    assert about(block.bound[0], 8 * U + SINGLE.smallest_subnormal / 2)
    part = block.part(np.array([1]))
    assert (part.value.tolist(), part.bound.tolist()) == ([1.0], [block.bound[1]])


@pytest.mark.parametrize(("size", "claimed"), [(0.2, True), (0.3, True), (0.6, True), (1.4, False)])
def test_a_sum_beyond_the_largest_number_is_not_claimed(size, claimed):
    theta = Output(forms=((Term(1, (), "x", 1), Term(-1, ("half",), "d", 1)),))
    step = measure().step({"x": theta}, {"x": 0, "d": 1})
    block = Block(np.array([size * SINGLE.largest / 2, 1.0]), [], SINGLE)
    block.take(step, np.array([size * SINGLE.largest / 2, 1.0]))
    assert np.isfinite(block.bound).tolist() == [claimed, True]


def test_numbers_that_the_format_lacks_are_told_by_what_it_makes_of_them():
    assert fits(np.array([0.1]), DOUBLE)
    assert not fits(np.array([0.5, 0.1]), SINGLE)
    assert off_format(np.array([0.5]), SINGLE) == 0.0
    found = off_format(np.array([0.5, 0.1]), SINGLE)
    assert found.tolist() == [0.0, abs(float(np.float32(0.1)) - 0.1)]
    low = off_format(np.array([2.0**-130, 0.1, 2.0**-126]), FLUSHING)
    assert (low[0], low[2]) == (2.0**-130, 0.0)


# Distances.


def test_a_distance_is_infinite_where_a_number_is_lost():
    out = np.empty(4)
    got = np.array([1.5, np.nan, 1.0, np.inf])
    with np.errstate(invalid="ignore"):
        distance(got, np.array([1.0, 1.0, np.inf, np.inf]), out)
    assert out.tolist() == [0.5, np.inf, np.inf, np.inf]
    distance(got[:1], np.array([1.0]), out[:1], np.array([0.25]))
    assert out[0] == 0.25


@pytest.mark.parametrize(
    ("error", "bound", "ratio", "within"),
    [
        (0.0, 0.0, 0.0, True),
        (1.0, 2.0, 0.5, True),
        (2.0, 2.0, 1.0, True),
        (3.0, 2.0, 1.5, False),
        (1.0, 0.0, math.inf, False),
        (math.inf, math.inf, 0.0, True),
        (1.0, math.inf, 0.0, True),
        (math.nan, 1.0, math.inf, False),
        (1.0, math.nan, math.inf, False),
    ],
)
def test_a_ratio_is_the_error_in_bounds(error, bound, ratio, within):
    deviation = Deviation(np.array([[error]]), np.array([[bound]]))
    assert deviation.ratio.tolist() == [[ratio]]
    assert deviation.within == within


def test_the_worst_is_the_earliest_of_equals_and_the_lines_say_where():
    ones = np.ones((2, 2))
    apart = Deviation(np.array([[0.5, 2.0], [2.0, 0.0]]), ones)
    assert apart.worst == (0, 1)
    right = Deviation(0 * ones, np.array([[1.0, np.inf], [1.0, 1.0]]))
    lines = str(Comparison(apart, right)).splitlines()
    assert lines[0] == "failed"
    assert lines[1] == "trajectory: worst ratio 2 at step 1, coordinate 1 (error 2, bound 1)"
    assert lines[3] == "no claim for 1 of 4 numbers"
    nothing = Deviation(np.empty((1, 0)), np.empty((1, 0)))
    assert str(Comparison(nothing, nothing)) == "passed\ntrajectory: no elements\nstep: no elements"
