"""Expressions: one node for equal ones, values as their operators say, text that means the same."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic.expression import (
    BranchError,
    Expression,
    evaluate,
    made,
    nodes,
    number,
    replaced,
    shared,
    symbol,
)
from momentum.arithmetic.notation import PLAIN, Notation, steps, updates

A, B, C = symbol("a"), symbol("b"), symbol("c")
NAMES = ("a", "b", "c")
VALUES = st.fractions(-5, 5, max_denominator=7)


def trees() -> st.SearchStrategy[Expression]:
    leaves = st.sampled_from([A, B, C]) | st.integers(-2, 3).map(number)
    pairs = st.sampled_from(["+", "-", "*"])
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(made, pairs, inner, inner)
            | st.builds(made, st.just("negative"), inner)
            | st.builds(made, st.just("fma"), inner, inner, inner)
        ),
        max_leaves=8,
    )


def fma(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


@given(tree=trees(), data=st.data())
def test_text_in_python_means_the_expression(tree: Expression, data: st.DataObject) -> None:
    values = {name: data.draw(VALUES) for name in NAMES}
    (wanted,) = evaluate([tree], values)
    assert eval(PLAIN.text(tree), {"fma": fma}, values) == wanted


@given(tree=trees(), other=trees(), data=st.data())
def test_steps_compute_every_output_and_name_nothing_twice(
    tree: Expression, other: Expression, data: st.DataObject
) -> None:
    names = {n: data.draw(VALUES) for n in NAMES}
    wanted = evaluate([tree, other], names)
    written = steps({"p": tree, "q": other})
    for statement in written:
        exec(PLAIN.statement(statement), {"fma": fma}, names)
    assert [names["p"], names["q"]] == wanted
    assert len({name for name, _ in written}) == len(written)


@given(tree=trees(), other=trees(), data=st.data())
def test_updates_overwrite_variables_without_losing_one(
    tree: Expression, other: Expression, data: st.DataObject
) -> None:
    names = {n: data.draw(VALUES) for n in NAMES}
    wanted = evaluate([tree, other, A], names)
    for statement in updates({"a": tree, "b": other, "c": A}):
        exec(PLAIN.statement(statement), {"fma": fma}, names)
    assert [names["a"], names["b"], names["c"]] == wanted


@pytest.mark.parametrize(
    ("new", "wanted"),
    [
        ({"a": A + B, "b": A + B - C}, "a = a + b; b = a - c"),
        ({"a": A + B, "b": B * C}, "a = a + b; b = b*c"),
        ({"a": A, "b": A + B}, "b = a + b"),
        ({"a": A + B, "b": A}, "a_new = a + b; b = a; a = a_new"),
        ({"a": B, "b": A, "c": A + B}, "a_new = b; c = a + b; b = a; a = a_new"),
        ({"a": B, "b": C, "c": A}, "a_new = b; b = c; c = a; a = a_new"),
    ],
)
def test_updates_read_a_variable_before_it_is_overwritten(
    new: dict[str, Expression], wanted: str
) -> None:
    assert "; ".join(map(PLAIN.statement, updates(new))) == wanted


def test_steps_compute_what_is_used_twice_once() -> None:
    twice = (A + B) * (A + B)
    found = steps({"x": twice, "y": twice - C, "z": A + B})
    assert [PLAIN.statement(s) for s in found] == [
        "t0 = a + b", "t1 = t0*t0", "x = t1", "y = t1 - c", "z = t0",
    ]  # fmt: skip


def test_updates_of_two_cycles_are_kept_until_the_last_is_known() -> None:
    d = symbol("d")
    new = {"a": B, "b": A, "c": d, "d": C}
    names = dict(zip("abcd", (1, 2, 3, 4), strict=True))
    for statement in updates(new):
        exec(PLAIN.statement(statement), {}, names)
    assert [names[n] for n in "abcd"] == [2, 1, 4, 3]


def test_operators_compute_with_numbers() -> None:
    six, four = number(6), number(4)
    assert (six + four, six - four, six * four) == (number(10), number(2), number(24))
    assert six / four == number(Fraction(3, 2))
    assert -six == number(-6)


def test_operators_leave_out_what_changes_nothing() -> None:
    assert A + 0 is A
    assert 0 + A is A
    assert A - 0 is A
    assert 0 - A is -A
    assert 1 * A is A
    assert A * 0 is number(0)
    assert A / 1 is A
    assert (-A).__neg__() is A
    assert number(1) / 2 - 1 is number(Fraction(-1, 2))
    assert 0.5 * A is made("*", number(0.5), A)
    assert 2 / A is made("/", number(2), A)
    assert 2 - A is made("-", number(2), A)
    assert 0 / A is number(0)


def test_equal_expressions_are_one_and_others_are_not() -> None:
    assert A + B * C is A + B * C
    assert A + B is not B + A
    assert len(nodes([A * B + A * B])) == 4
    assert shared([A * B + A * B]) == [A * B]


def test_replaced_takes_the_largest_part_first() -> None:
    tree = (A + B) * (A + B) - B
    assert replaced(tree, {A + B: C, B: A}) is C * C - A
    assert replaced(tree, {}) is tree


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (A - (B - C), "a - (b - c)"),
        ((A - B) - C, "a - b - c"),
        (A * (B * C), "a*(b*c)"),
        ((A * B) / C, "a*b/c"),
        (A / (B * C), "a/(b*c)"),
        (A * (B + C), "a*(b + c)"),
        (A + -B, "a + (-b)"),
        (-(A * B), "-(a*b)"),
        (made("fma", A, B, C), "fma(a, b, c)"),
        (number(Fraction(1, 2)) - A, "0.5 - a"),
        (A - number(Fraction(-1, 2)), "a - (-0.5)"),
        (number(-1) * A, "(-1)*a"),
        (number(0) - made("*", number(0), A), "-(0*a)"),
    ],
)
def test_text_keeps_the_order_of_evaluation(tree: Expression, text: str) -> None:
    assert PLAIN.text(tree) == text


def test_a_language_spells_names_numbers_operators_and_assignments() -> None:
    fortran = Notation(
        symbol=str.upper,
        number=lambda x: f"{float(x)}d0",
        assignment="    {} = {}",
        fma="ieee_fma({}, {}, {})",
        operators={"+": "+", "-": "-", "*": "*", "/": "/"},
    )
    assert fortran.statement(("v", 2 * A + made("fma", A, B, C))) == (
        "    V = 2.0d0*A+ieee_fma(A, B, C)"
    )


def test_an_expression_has_no_truth_unless_it_is_a_number() -> None:
    assert number(1)
    assert not number(0)
    with pytest.raises(BranchError, match="whether a is 0"):
        bool(A)
