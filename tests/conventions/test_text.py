"""The rule as data, and the formula that people read, are the rule that is checked."""

from itertools import product
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum.arithmetic.expression import evaluate
from momentum.conventions import CONVENTIONS, Convention, Hyper, State, expressed, get, point_of

KINDS = ("coupled", "before", "simultaneous", "after")
EVERY = [c.with_decay(kind) for c in CONVENTIONS.values() for kind in KINDS]
RATIONALS = st.builds(fmpq, st.integers(-20, 20), st.integers(1, 12))
POSITIVE = st.builds(fmpq, st.integers(1, 11), st.just(12))


def drawn(data: st.DataObject, convention: Convention, **flags: bool) -> Hyper:
    draw = data.draw
    return Hyper(
        lr=draw(POSITIVE),
        momentum=draw(POSITIVE),
        dampening=draw(POSITIVE) if "dampening" in convention.takes else fmpq(0),
        weight_decay=draw(POSITIVE),
        nu=draw(POSITIVE) if "nu" in convention.takes else fmpq(1),
        **flags,
    )


def flags_of(convention: Convention) -> list[dict[str, bool]]:
    nesterov = (False, True) if "nesterov" in convention.takes else (False,)
    return [{"nesterov": n, "maximize": m} for n, m in product(nesterov, (False, True))]


def state_of(data: st.DataObject, convention: Convention, step: int) -> Any:
    fields = [n for n in convention.initial._fields if n != "step"]
    return type(convention.initial)(
        step=step, **{n: data.draw(RATIONALS if n == "v" else POSITIVE) for n in fields}
    )


@pytest.mark.parametrize("convention", EVERY, ids=lambda c: c.full_name)
@settings(max_examples=8)
@given(data=st.data())
def test_expression_is_the_text_for_every_flag_and_step(
    convention: Convention, data: st.DataObject
) -> None:
    theta, grad = data.draw(RATIONALS), data.draw(RATIONALS)
    for flags, step in product(flags_of(convention), (0, 1, 5)):
        h, state = drawn(data, convention, **flags), state_of(data, convention, step)
        found = expressed(convention, first=step == 0, **flags)
        values = {"theta": theta, "grad": grad, **state._asdict(), **h._asdict()}
        got = evaluate(list(found.outputs.values()), values, lambda x: fmpq(*x.as_integer_ratio()))
        moved, after = convention.step(theta, grad, state, h)
        assert dict(zip(found.outputs, got)) == {
            "theta": moved, **{n: x for n, x in after._asdict().items() if n != "step"}
        }  # fmt: skip
    point = evaluate([point_of(convention)], values)
    assert point == [convention.gradient_point(theta, state, h)]


def read(lines: tuple[str, ...], h: Hyper, first: bool, names: dict[str, Any]) -> dict[str, Any]:
    """A formula, read as the sentences that it is, on these numbers."""
    chosen = [line for line in lines if ": " not in line]
    for line in lines:
        if h.nesterov and line.startswith("nesterov: "):
            line = line.removeprefix("nesterov: ")
            target = line.partition(" = ")[0]
            last = max(i for i, x in enumerate(chosen) if x.startswith(f"{target} = "))
            chosen[last] = line
        if h.maximize and line == "maximize: -g in place of g":
            names["g"] = -names["g"]
    for line in chosen:
        if line.endswith(" before the first step"):
            continue
        line = line.removesuffix("; g is taken there")
        line, begins, otherwise = line.partition(" at the first step")
        name, _, value = line.partition(" = ")
        if begins and not first:
            if not otherwise:
                continue
            value = otherwise.removeprefix(", else ")
        names[name] = eval(value, {}, names)
    return names


@pytest.mark.parametrize("convention", EVERY, ids=lambda c: c.full_name)
@settings(max_examples=8)
@given(data=st.data())
def test_formula_read_word_by_word_is_the_rule(convention: Convention, data: st.DataObject) -> None:
    theta, grad = data.draw(RATIONALS), data.draw(RATIONALS)
    for flags, step in product(flags_of(convention), (0, 3)):
        h = drawn(data, convention, **flags)
        state = state_of(data, convention, step) if step else convention.initial
        names = {"x": theta, "g": grad, **state._asdict(), **h._asdict()}
        got = read(convention.formula, h, step == 0, names)
        moved, after = convention.step(theta, grad, state, h)
        assert got["x"] == moved
        assert [got[n] for n in after._fields if n != "step"] == list(after._replace(step=0))[1:]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_formula_says_what_the_state_is_before_the_first_step(name: str) -> None:
    starts = [line for line in get(name).formula if "first step" in line]
    assert starts
    for line in starts:
        if line.endswith(" before the first step"):
            for part in line.removesuffix(" before the first step").split(", "):
                field, _, value = part.partition(" = ")
                assert getattr(get(name).initial, field) == int(value)


def test_formula_of_keras_shows_the_decay_that_is_checked() -> None:
    assert get("keras").formula == (
        "v = 0 before the first step",
        "x = (1 - lr*weight_decay)*x",
        "v = momentum*v + lr*g",
        "x = x - v",
        "nesterov: x = x - (lr*g + momentum*v)",
        "maximize: -g in place of g",
    )


def test_formula_of_torch_tells_the_first_step_apart() -> None:
    assert get("torch").formula == (
        "d = g + weight_decay*x",
        "v = d at the first step, else momentum*v + (1 - dampening)*d",
        "x = x - lr*v",
        "nesterov: x = x - lr*(d + momentum*v)",
        "maximize: -g in place of g",
    )


def branches(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
    v = state.v if h.momentum else grad
    return theta - h.lr * v, State(state.step + 1, v)


def counts(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
    return theta - h.lr * grad / (1 + state.step), State(state.step + 1, grad)


def powers(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
    return theta - h.lr * grad * h.momentum**2, State(state.step + 1, grad)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (branches, "no formula: it branches on values"),
        (counts, "no formula: the rule of own counts its steps"),
        (powers, "no formula: unsupported operand"),
    ],
)
def test_formula_says_why_there_is_none(rule: Any, words: str) -> None:
    (line,) = Convention("own", rule).formula
    assert line.startswith(words)
