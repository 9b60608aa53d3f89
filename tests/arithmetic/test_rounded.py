"""The bound itself: never exceeded by any way of computing, and not vacuous."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import FORMATS, Format, Rounded, exact, format_of, nearest

FLOAT32 = FORMATS["float32"]

# An expression: a leaf's number, or (operator, left, right).
Tree = Any


def leaves(format: Format) -> st.SearchStrategy[float]:
    """Numbers of the format, and others as hyper-parameters are."""
    held = st.integers(-(2**format.precision), 2**format.precision)
    scaled = st.builds(lambda m, e: m * 2.0**e, held, st.integers(-format.precision - 3, 2))
    return scaled.map(lambda x: float(format.round(x))) | st.integers(-99, 99).map(
        lambda k: k / 100
    )


def trees(format: Format) -> st.SearchStrategy[Tree]:
    return st.recursive(
        leaves(format),
        lambda t: st.tuples(st.sampled_from("+-*"), t, t),
        max_leaves=10,
    )


def evaluate(tree: Tree, leaf: Callable[[float], Any]) -> Any:
    if isinstance(tree, float):
        return leaf(tree)
    operator, left, right = tree
    a, b = evaluate(left, leaf), evaluate(right, leaf)
    return a + b if operator == "+" else a - b if operator == "-" else a * b


def lifted(format: Format, own_error: bool) -> Callable[[float], Rounded]:
    """Numbers of the format as arrays, as parameters are; others as hyper-parameters are."""

    def lift(x: float) -> Rounded:
        held = float(format.round(x)) == x
        return Rounded.of(np.array([x]) if held else x, format, own_error)

    return lift


def machine(tree: Tree, round_: Callable[[fmpq], fmpq], held: Callable[[fmpq], fmpq]) -> fmpq:
    """Each operation exactly, then rounded; leaves rounded as they are held."""
    if isinstance(tree, float):
        return held(exact(tree))
    operator, left, right = tree
    a, b = machine(left, round_, held), machine(right, round_, held)
    return round_(a + b if operator == "+" else a - b if operator == "-" else a * b)


def machine_fused(tree: Tree, round_: Callable[[fmpq], fmpq]) -> fmpq:
    """A product that goes straight into a sum is not rounded of its own."""
    if isinstance(tree, float):
        return round_(exact(tree))
    operator, left, right = tree
    if operator == "*":
        return round_(machine_fused(left, round_) * machine_fused(right, round_))
    a = machine_fused(left, round_)
    if not isinstance(right, float) and right[0] == "*":
        b = machine_fused(right[1], round_) * machine_fused(right[2], round_)
    else:
        b = machine_fused(right, round_)
    return round_(a + b if operator == "+" else a - b)


def to_format(format: Format) -> Callable[[fmpq], fmpq]:
    """Round a rational once, to nearest even, as the definition says (no overflow)."""

    def round_(x: fmpq) -> fmpq:
        number = Fraction(int(x.p), int(x.q))
        if not number:
            return x
        exponent = abs(number.numerator).bit_length() - number.denominator.bit_length()
        if Fraction(2) ** exponent > abs(number):
            exponent -= 1
        quantum = max(
            Fraction(2) ** (exponent - format.precision + 1), Fraction(format.smallest_subnormal)
        )
        return exact(round(number / quantum) * quantum)

    return round_


def reordered(tree: Tree) -> Tree:
    """The same sums and products with their operands the other way round."""
    if isinstance(tree, float):
        return tree
    operator, left, right = tree
    left, right = reordered(left), reordered(right)
    if operator == "-":
        return ("-", left, right)
    return (operator, right, left)


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda f: f.name)
@given(data=st.data())
def test_bound_holds_for_every_way_of_computing(format: Format, data: st.DataObject) -> None:
    tree = data.draw(trees(format))
    truth = evaluate(tree, exact)
    error = float(np.max(evaluate(tree, lifted(format, own_error=False)).stored().error))
    if not np.isfinite(error):
        return
    bound = exact(error)
    round_, round_32 = to_format(format), to_format(FLOAT32)
    ways = {
        "one by one": machine(tree, round_, round_),
        "operands swapped": machine(reordered(tree), round_, round_),
        "fused multiply-add": machine_fused(tree, round_),
        "hyper-parameters in float64": machine(tree, round_, lambda x: x),
    }
    if format.u > FLOAT32.u:
        ways["float32 inside"] = round_(machine(tree, round_32, round_32))
        ways["float32 between"] = machine(tree, lambda x: round_(round_32(x)), round_32)
    for way, got in ways.items():
        if way == "float32 inside" and isinstance(tree, float):
            continue
        assert abs(got - truth) <= bound, way


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda f: f.name)
@given(data=st.data())
def test_bound_with_own_error_holds_for_the_computed_value(
    format: Format, data: st.DataObject
) -> None:
    tree = data.draw(trees(format))
    bounded = evaluate(tree, lifted(format, own_error=True)).stored()
    error = float(np.max(bounded.error))
    if np.isfinite(error):
        round_ = to_format(format)
        got = machine(tree, round_, round_)
        value = exact(float(np.max(bounded.value)))
        assert abs(got - value) <= exact(error)


@pytest.mark.parametrize("format", FORMATS.values(), ids=lambda f: f.name)
def test_bound_is_not_vacuous(format: Format) -> None:
    rng = np.random.default_rng(0)
    round_ = to_format(format)
    worst = 0.0
    for _ in range(400):
        theta, grad = (float(format.round(x)) for x in rng.standard_normal(2))
        tree: Tree = ("-", theta, ("*", 0.1, grad))
        bound = evaluate(tree, lambda x: Rounded.of(x, format, own_error=False)).stored().error
        error = abs(machine(tree, round_, round_) - evaluate(tree, exact))
        worst = max(worst, nearest(error) / float(bound))
    assert 0.5 < worst <= 1


@given(st.integers(-16, 16).filter(bool), st.integers(-20, 20))
def test_bound_of_a_power_of_two_times_a_number_is_zero(m: int, e: int) -> None:
    product = Rounded.of(float(m), FLOAT32) * (2.0**e)
    assert product.value == m * 2.0**e
    assert float(product.error) == 0.0


def test_bound_is_infinite_where_an_intermediate_may_overflow() -> None:
    format = FORMATS["float16"]
    big = Rounded.of(np.array([300.0, 60000.0]), format)
    small_again = (big * 3.0) * 0.001
    assert np.array_equal(np.isinf(small_again.stored().error), [False, True])


def test_bound_of_a_flushing_format_covers_a_result_of_zero() -> None:
    format = format_of("float32:flushing")
    tiny = Rounded.of(np.array([format.smallest_normal]), format) * 0.3
    assert abs(float(tiny.value[0])) <= float(tiny.stored().error[0])


@given(
    st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-3),
    st.floats(0.01, 1e3),
)
def test_quotient_bound_holds(a: float, b: float) -> None:
    round_ = to_format(FLOAT32)
    got = round_(round_(exact(a)) / round_(exact(b)))
    bound = (Rounded.of(a, FLOAT32, False) / Rounded.of(b, FLOAT32, False)).stored().error
    assert abs(got - exact(a) / exact(b)) <= exact(float(bound))


def test_bound_of_one_overflow_leaves_the_other_elements_theirs() -> None:
    format = FORMATS["float16"]
    number = Rounded.of(np.array([1.0, 60000.0]), format)
    for _ in range(5):
        number = (number * 1.5 - number / 3.0).stored()
    assert np.isfinite(number.error[0])
    assert np.isinf(number.error[1])


def test_bound_of_zero_times_a_possible_overflow_is_infinite() -> None:
    big = Rounded.of(np.array([1.0, 60000.0]), FORMATS["float16"]) * 3.0
    assert np.array_equal(np.isinf((big * 0.0).stored().error), [False, True])
