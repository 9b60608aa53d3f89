"""Strategies stay within what a subject allows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems

ALL = frozenset({"lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "nu"})


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Setting, Problem]:
    setting = Setting(
        hyper=frozenset(draw(st.sets(st.sampled_from(sorted(ALL))))) | {"lr"},
        settable=frozenset(draw(st.sets(st.sampled_from(["lr", "momentum", "weight_decay"])))),
        fixed=tuple(draw(st.dictionaries(st.just("weight_decay"), st.just(0.25))).items()),
        dtype="float32",
        groups=draw(st.booleans()),
        none_gradients=draw(st.booleans()),
        scalars=draw(st.booleans()),
        empty=draw(st.booleans()),
        largest=40,
        nesterov_with_dampening=draw(st.booleans()),
    )
    schedule = ("lr", "momentum", "weight_decay")
    return setting, draw(problems(setting, schedule=schedule, groups=2, missing=True))


@given(drawn())
def test_problems_use_only_what_the_setting_allows(case: tuple[Setting, Problem]) -> None:
    setting, problem = case
    fixed = dict(setting.fixed)
    off = {"momentum": 0, "dampening": 0, "weight_decay": 0, "nu": 1}
    off |= {"nesterov": False, "maximize": False}
    for row in problem.hypers:
        for h in row:
            for name, value in off.items():
                if name in fixed:
                    assert getattr(h, name) == fixed[name]
                elif name not in setting.hyper:
                    assert getattr(h, name) == value
            assert not (h.nesterov and h.dampening and not setting.nesterov_with_dampening)
    changed = {
        name
        for before, after in zip(problem.hypers, problem.hypers[1:])
        for a, b in zip(before, after)
        for name in a._fields
        if getattr(a, name) != getattr(b, name)
    }
    assert changed <= setting.settable - set(fixed)
    assert setting.groups or len(problem.hypers[0]) == 1
    assert setting.none_gradients or not problem.missing
    assert all(setting.allows(s) for s in problem.shapes)


@given(st.data())
def test_problems_can_force_hyper_parameters_on_and_off(data: st.DataObject) -> None:
    setting = Setting(ALL, ALL, (), "float64", nesterov_with_dampening=True)
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
    assert "dampening" not in setting.hyper
    assert replace(setting, effort="deep").effort == "deep"
