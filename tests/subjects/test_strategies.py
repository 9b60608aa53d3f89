"""Strategies stay within what a subject allows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Facts

ALL = frozenset({"lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "nu"})


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Setting, Problem]:
    offers = draw(st.sampled_from([frozenset(), frozenset({"nesterov_with_dampening"})]))
    facts = Facts(
        "drawn",
        ("float32",),
        hyper=frozenset(draw(st.sets(st.sampled_from(sorted(ALL))))) | {"lr"},
        settable=frozenset(draw(st.sets(st.sampled_from(["lr", "momentum", "weight_decay"])))),
        fixed=draw(st.dictionaries(st.just("weight_decay"), st.just(0.25))),
        groups=draw(st.booleans()),
        none_gradients=draw(st.booleans()),
        offers=offers,
        scalars=draw(st.booleans()),
        empty=draw(st.booleans()),
        largest=40,
    )
    setting = Setting(facts, "float32")
    schedule = ("lr", "momentum", "weight_decay")
    return setting, draw(problems(setting, schedule=schedule, groups=2, missing=True))


@given(drawn())
def test_problems_use_only_what_the_setting_allows(case: tuple[Setting, Problem]) -> None:
    setting, problem = case
    fixed = dict(setting.facts.fixed)
    off = {"momentum": 0, "dampening": 0, "weight_decay": 0, "nu": 1}
    off |= {"nesterov": False, "maximize": False}
    for row in problem.hypers:
        for h in row:
            for name, value in off.items():
                if name in fixed:
                    assert getattr(h, name) == fixed[name]
                elif name not in setting.facts.hyper:
                    assert getattr(h, name) == value
            assert not (h.nesterov and h.dampening and not setting.facts.offers)
    changed = {
        name
        for before, after in zip(problem.hypers, problem.hypers[1:])
        for a, b in zip(before, after)
        for name in a._fields
        if getattr(a, name) != getattr(b, name)
    }
    assert changed <= setting.facts.settable - set(fixed)
    assert setting.facts.groups or len(problem.hypers[0]) == 1
    assert setting.facts.none_gradients or not problem.missing
    assert all(setting.allows(s) for s in problem.shapes)


@given(st.data())
def test_problems_can_force_hyper_parameters_on_and_off(data: st.DataObject) -> None:
    setting = Setting(
        Facts("all", ("float64",), ALL, ALL, offers=frozenset({"nesterov_with_dampening"})),
        "float64",
    )
    problem = data.draw(
        problems(setting, with_=("nesterov", "momentum"), without=("weight_decay", "maximize"))
    )
    for row in problem.hypers:
        for h in row:
            assert h.nesterov
            assert h.momentum
            assert not h.weight_decay
            assert not h.maximize


def test_setting_of_knows_subject_and_convention() -> None:
    from momentum.adapters import load

    subject = load("momentum.sgd:MomentumSGD", {"convention": "'scaled'"})
    setting = Setting.of(subject, "scaled", "float32")
    assert "dampening" not in setting.facts.hyper
    assert replace(setting, effort="deep").effort == "deep"


def test_what_compiles_gets_few_shapes_in_a_quick_run_and_only_there() -> None:
    facts = Facts("drawn", ("float32",), frozenset({"lr"}))
    every = Setting(facts, "float32", "quick").pool
    few = Setting(replace(facts, compiles=True), "float32", "quick").pool
    assert set(few) < set(every)
    assert len(few) >= 3
    assert Setting(replace(facts, compiles=True), "float32", "normal").pool == every
