"""Reformulations are right: exactly over rationals, and within the bound in every dtype."""

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum.conventions import CONVENTIONS, Hyper, get
from momentum.gallery import REFORMULATIONS, Machine
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems.strategies import Setting, problems

RULES = [r.name for r in REFORMULATIONS.values() if r.rule is not None]
CHANGING = ("lr", "momentum", "dampening", "weight_decay", "nu")

numbers = st.integers(-30, 30).map(lambda k: fmpq(k, 7))
shares = st.integers(1, 8).map(lambda k: fmpq(k, 9))


@st.composite
def hyper_rows(draw, convention, constant, steps):
    """One Hyper of rationals a step; those in `constant` stay."""
    flags = {
        "maximize": draw(st.booleans()),
        "nesterov": "nesterov" in convention.takes and draw(st.booleans()),
    }
    rows = []
    for _ in range(steps):
        values = {"lr": draw(shares), "weight_decay": draw(shares)}
        values |= {n: draw(shares) for n in convention.takes - {"nesterov"}}
        if rows:
            values |= {n: rows[0][n] for n in constant}
        rows.append(values)
    return [Hyper(**r, **flags) for r in rows]


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25)
@given(data=st.data())
def test_reformulation_equals_its_convention_over_rationals(name, data):
    told = REFORMULATIONS[name]
    convention = get(told.convention)
    rows = data.draw(hyper_rows(convention, told.constant, 4))
    start = data.draw(numbers)
    theta, state, other, kept = start, convention.initial, start, convention.initial
    for h in rows:
        grad = data.draw(numbers)
        theta, state = convention.step(theta, grad, state, h)
        other, kept = told.rule(other, grad, kept, h)
        assert other == theta


def judged(told, dtype, problem):
    subject = told.build()
    return judge(subject, observe(subject, problem), get(told.convention))


def settings_of(told, dtype):
    return Setting.of(told.build(), told.convention, dtype)


CASES = [(r.name, d) for r in REFORMULATIONS.values() for d in r.dtypes]


@pytest.mark.parametrize(("name", "dtype"), CASES)
@settings(max_examples=8)
@given(data=st.data())
def test_reformulation_stays_within_its_bound(name, dtype, data):
    told = REFORMULATIONS[name]
    kinds = ("normal", "from_zero", "dyadic", "wide", "quadratic")
    drawn = problems(
        settings_of(told, dtype), schedule=CHANGING, groups=2, missing=True, kinds=kinds
    )
    for measured in judged(told, dtype, data.draw(drawn)):
        assert measured.error <= measured.bound, measured


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@settings(max_examples=12)
@given(data=st.data())
def test_machine_stays_within_the_bound_of_its_convention(convention, dtype, data):
    subject = Machine("right", get(convention))
    setting = Setting.of(subject, convention, dtype)
    problem = data.draw(problems(setting, schedule=CHANGING, groups=2, missing=True))
    for measured in judge(subject, observe(subject, problem), get(convention)):
        assert measured.error <= measured.bound, measured


def test_each_reformulation_says_what_it_does():
    assert all(r.statement.endswith(".") for r in REFORMULATIONS.values())
