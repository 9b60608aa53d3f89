"""Observing a subject, and the verdict on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from momentum.conventions import Hyper, get
from momentum.gallery.machine.machine import Machine
from momentum.gallery.twin import twin_of
from momentum.subjects.drive import advance, observe, steps, tell
from momentum.subjects.judge import Measured, blocks, judge
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Facts, SubjectError

ROW = (Hyper(lr=0.5, momentum=0.5),)


class Plain:
    """accumulated, in float64, for one group; `spoil` may change what it shows."""

    facts = Facts("plain", ("float64", "float32"), frozenset({"lr", "momentum"}))

    def __init__(self, spoil: Any = None) -> None:
        self.spoil = spoil or (lambda x: x)

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> "Plain":
        run = Plain(self.spoil)
        run.x, run.h = list(parameters), hypers[0]
        run.states = [get("torch").initial] * len(run.x)
        return run

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def step(self, gradients: Sequence[Any]) -> None:
        for i, g in enumerate(gradients):
            if g is not None:
                self.x[i], self.states[i] = get("torch").step(self.x[i], g, self.states[i], self.h)

    def parameters(self) -> list[Array]:
        return self.spoil([x.copy() for x in self.x])


def problem(**changes: Any) -> Problem:
    values: dict[str, Any] = {
        "dtype": "float64", "shapes": ((3,), (), (2, 2)), "hypers": (ROW,) * 4,
        "groups": (0, 0, 0), "kind": "dyadic",
    }  # fmt: skip
    return Problem(**(values | changes))


def worst(subject: Any, problem: Problem) -> Measured:
    seen = observe(subject, problem)
    return max(judge(subject, seen, get("torch")), key=lambda m: m.ratio)


@pytest.mark.parametrize("kind", ["dyadic", "normal", "quadratic", "wide", "special"])
def test_judge_passes_a_right_subject(kind: str) -> None:
    gaps = frozenset({(0, 1), (2, 0), (2, 1)})
    assert worst(Plain(), problem(kind=kind, missing=gaps)).ratio <= 1


@pytest.mark.parametrize(
    ("missing", "together"),
    [
        ([], [[0, 1, 2]]),
        ([(2, 1)], [[0, 2], [1]]),
        ([(2, 1), (2, 2)], [[0], [1, 2]]),
        ([(2, 0), (1, 2)], [[0], [1], [2]]),
        ([(0, 1), (2, 0), (2, 1)], [[0], [1], [2]]),
    ],
)
def test_parameters_are_judged_together_that_miss_the_same_gradients(
    missing: list[tuple[int, int]], together: list[list[int]]
) -> None:
    whole = problem(missing=frozenset(missing))
    fed = [whole.gradients(t, whole.start) for t in range(whole.steps)]
    assert [block.batch for block in blocks(whole, map(tuple, fed))] == together


def test_judge_names_step_and_coordinate_of_a_wrong_number() -> None:
    calls = []

    def spoil(x: list[Array]) -> list[Array]:
        calls.append(1)
        if len(calls) == 3:
            x[2][1, 0] += 0.125
        return x

    found = worst(Plain(spoil), problem())
    assert found.step == 3
    assert found.where == "step 3, parameter 2 of shape (2, 2)[1, 0]"
    assert found.error == 0.125


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[:2], "after step 1 there are 2 parameters, wanted 3"),
        (lambda x: [*x, x[0]], "after step 1 there are 4 parameters, wanted 3"),
        (lambda x: [x[0].reshape(1, 3), *x[1:]], r"has shape \(1, 3\), wanted \(3,\)"),
        (lambda x: [x[0] + 2.0**-40, *x[1:]], "no float32"),
    ],
)
def test_observe_refuses_what_breaks_the_contract(spoil: Any, message: str) -> None:
    with pytest.raises(SubjectError, match=message):
        observe(Plain(spoil), problem(dtype="float32"))


def test_twin_of_a_right_subject_is_wrong_in_every_dtype() -> None:
    for dtype in Plain.facts.dtypes:
        assert worst(twin_of(Plain()), problem(dtype=dtype)).ratio > 1


@pytest.mark.parametrize(
    ("error", "bound", "ratio"),
    [
        (0.0, 0.0, 0.0),
        (1.0, 2.0, 0.5),
        (1.0, 0.0, np.inf),
        (np.inf, 1.0, np.inf),
        (np.nan, 1.0, np.inf),
        (5.0, np.inf, 0.0),
    ],
)
def test_measured_ratio_decides_every_case(error: float, bound: float, ratio: float) -> None:
    assert Measured(error, bound, "").ratio == ratio
    assert Measured(error, bound, "").claims


class Whole(Plain):
    """Takes all steps at once where it can be told them all beforehand."""

    facts = replace(Plain.facts, at_once=True)

    def start(self, *arguments: Any, **more: Any) -> "Whole":
        run = Whole(self.spoil)
        run.__dict__ |= vars(super().start(*arguments, **more))
        run.taken = self.taken = []
        return run

    def step(self, gradients: Sequence[Any]) -> None:
        self.taken.append("step")
        super().step(gradients)

    def steps(self, fed: Sequence[Sequence[Any]], hypers: Sequence[Any]) -> list[list[Array]]:
        self.taken.append("steps")
        return [(Plain.step(self, gradients), self.parameters())[1] for gradients in fed]


@pytest.mark.parametrize(("kind", "calls"), [("dyadic", ["steps"]), ("quadratic", ["step"] * 4)])
def test_only_what_does_not_depend_on_iterates_is_taken_at_once(
    kind: str, calls: list[str]
) -> None:
    whole, told = Whole(), problem(kind=kind)
    assert [x.tolist() for x in observe(whole, told).iterates[-1]] == [
        x.tolist() for x in observe(Plain(), told).iterates[-1]
    ]
    assert whole.taken == calls


def test_a_subject_that_may_flush_is_held_to_a_format_that_does() -> None:
    assert Plain.facts.format_name("float32") == "float32"
    flushing = replace(Plain.facts, flushes_subnormals=True)
    assert flushing.format_name("float32") == "float32:flushing"


def test_facts_that_nobody_states_promise_nothing() -> None:
    facts = Plain.facts
    assert not any((facts.none_gradients, facts.offers, facts.at_once, facts.fixed))
    assert not any((facts.groups, facts.flushes_subnormals, facts.compiles, facts.assumed))
    assert not any((facts.settable, facts.bare, facts.left, facts.called))
    assert facts.scalars
    assert facts.empty


def test_a_run_is_told_of_every_change_and_of_nothing_else() -> None:
    heard: list[tuple[float, int]] = []

    class Hearing(Plain):
        def set(self, hyper: Hyper, group: int = 0) -> None:
            heard.append((hyper.lr, group))

    rates = [(0.5, 0.5), (0.5, 0.5), (0.25, 0.5), (0.5, 0.5), (0.5, 0.75)]
    rows = [tuple(Hyper(lr=lr) for lr in row) for row in rates]
    wanted = [[], [], [(0.25, 0), (0.5, 1)], [(0.5, 0), (0.5, 1)], [(0.5, 0), (0.75, 1)]]
    for t, told in enumerate(wanted):
        heard.clear()
        tell(Hearing(), rows, t)
        assert heard == told
    whole = problem(hypers=tuple(rows), groups=(0, 1, 0))
    run = Hearing()
    run.__dict__ |= vars(Plain().start(whole.start, rows[0], whole.dtype))
    every = [change for changes in wanted for change in changes]
    for ways, expected in (({}, every), ({"told": False}, [])):
        heard.clear()
        list(advance(run, whole, 0, whole.start, **ways))
        assert heard == expected
        heard.clear()
        list(steps(run, rows, whole.gradients, whole.start, **ways))
        assert heard == expected


@pytest.mark.parametrize(("lr", "claims"), [(0.5, True), (2.0**-40, False)])
def test_what_moves_less_than_its_bound_claims_nothing(lr: float, claims: bool) -> None:
    """From the start, and from the step before."""
    convention = get("scaled")
    subject = Machine("own", convention)
    problem = Problem("float32", ((4,),), ((Hyper(lr, 0.5),),) * 3, (0,))
    found = list(judge(subject, observe(subject, problem), convention))
    assert {m.how for m in found} == {"trajectory", "step"}
    assert {m.claims for m in found} == {claims}
