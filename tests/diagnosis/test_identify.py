"""What a subject computes is named, measured, and not claimed where it is nothing known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from momentum.arithmetic import format_of
from momentum.conventions import CONVENTIONS, Hyper, get
from momentum.diagnosis import describe, identify, summary
from momentum.diagnosis.departure import plain
from momentum.gallery import GALLERY, Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.subjects.protocol import Facts

ONE_RULE = {"two_point": {"scaled", "two_point"}}
"""Conventions that nothing can tell apart on what this subject can be driven with."""


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", CONVENTIONS)
def test_identify_names_every_convention(name: str, dtype: str) -> None:
    found = identify(Machine(name="m", convention=CONVENTIONS[name]), dtype, estimates=False)
    assert {c.name for c in found.matches} == ONE_RULE.get(name, {name})
    assert found.departures == ()
    assert not found.unexplained


def test_identify_doubts_nothing_that_its_probes_decide() -> None:
    found = identify(Machine(name="m", convention=CONVENTIONS["accumulated"]), estimates=False)
    assert found.undecided == ()


@pytest.mark.parametrize("kind", ["coupled", "before", "simultaneous", "after"])
@pytest.mark.parametrize("name", ["accumulated", "scaled", "averaged"])
def test_identify_names_the_kind_of_decay(name: str, kind: str) -> None:
    subject = Machine(name="m", convention=CONVENTIONS[name].with_decay(kind))
    found = identify(subject, estimates=False)
    assert found.nearest.decay == {"simultaneous": "before"}.get(kind, kind)
    told = any("before = simultaneous" in text for text in found.undecided)
    assert told == (kind in ("before", "simultaneous"))


def test_identify_says_nothing_of_a_decay_that_there_is_not() -> None:
    """Keras' own decay goes before the step; a name like its says nothing of this one."""
    hyper = frozenset({"lr", "momentum"})
    subject = Machine(name="my_keras", convention=CONVENTIONS["scaled"], hyper=hyper)
    assert identify(subject, estimates=False).nearest.full_name == "scaled"


@pytest.mark.parametrize(
    ("defect", "departure"),
    [
        ("nesterov_ignored", "nesterov is accepted and ignored"),
        ("dampening_never_applied", "dampening is accepted and ignored"),
        ("maximize_ignored", "maximize is accepted and ignored"),
        ("maximize_ignored_with_nesterov", "maximize is ignored when nesterov is on"),
        ("maximize_negates_decay", "with maximize the sign is turned after the weight decay"),
        ("decay_ignored", "weight_decay is accepted and ignored"),
        ("decay_is_constant", "the weight decay subtracts lr weight_decay whatever"),
        ("decay_without_lr", "the weight decay is weight_decay / lr"),
        ("decay_times_lr_twice", "the weight decay is lr weight_decay"),
        ("decay_doubled", "the weight decay is 2 weight_decay"),
        ("lr_captured_at_start", "lr stays what it was at the start"),
        ("lr_one_step_late", "a new lr is used one step late"),
        ("velocity_cleared_on_lr_change", "the velocity is lost whenever lr changes"),
        ("momentum_captured_at_start", "momentum stays what it was at the start"),
    ],
)
def test_identify_names_what_a_known_defect_departs_in(defect: str, departure: str) -> None:
    found = identify(GALLERY[defect].build(), estimates=False)
    (words,) = found.hypothesis.words
    assert words.startswith(departure)
    assert found.nearest.name == get(GALLERY[defect].convention).name


def test_identify_finds_a_seeded_average() -> None:
    """Torch7's optim.sgd takes no dampening by default: it is the momentum."""

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        v = grad if state.step == 0 else h.momentum * state.v + (1 - h.momentum) * grad
        return theta - h.lr * v, state._replace(step=state.step + 1, v=v)

    subject = Machine(
        name="m", convention=get("accumulated"), rule=rule, hyper=frozenset({"lr", "momentum"})
    )
    found = identify(subject, estimates=False)
    (words,) = found.hypothesis.words
    assert words.startswith("dampening equals momentum")


def test_identify_says_that_a_constant_rate_hides_its_place() -> None:
    subject = Machine(
        name="m", convention=get("scaled"), hyper=frozenset({"lr", "momentum"}),
        fixed_after_start=frozenset({"lr", "momentum"}),
    )  # fmt: skip
    found = identify(subject, estimates=False)
    assert {"accumulated", "zero_started", "scaled", "two_point"} <= {c.name for c in found.matches}
    assert any("lr cannot be changed in a run" in text for text in found.undecided)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("torch.optim.SGD", "accumulated"), ("optax.sgd", "zero_started"), ("x", "accumulated")],
)
def test_identify_gives_a_tie_to_the_one_who_speaks_it(name: str, nearest: str) -> None:
    hyper = frozenset({"lr", "momentum", "nesterov"})
    subject = Machine(name=name, convention=get("accumulated"), hyper=hyper)
    found = identify(subject, estimates=False)
    assert found.nearest.name == nearest
    assert {c.name for c in found.matches} == {"accumulated", "zero_started"}


@dataclass(frozen=True)
class Filter:
    """x_{t-1} - x_t = lr sum_i coefficients[i] g_{t-i}: no convention at all."""

    coefficients: tuple[float, ...]
    dtypes: tuple[str, ...] = ("float64",)

    @property
    def facts(self) -> Facts:
        hyper = frozenset({"lr", "momentum"})
        return Facts("filter", self.dtypes, hyper, settable=hyper)

    def start(
        self, parameters: Sequence[Any], hypers: Sequence[Hyper], dtype: str, *_: Any
    ) -> "FilterRun":
        return FilterRun(self, [np.array(x) for x in parameters], hypers[0], dtype)


class FilterRun:
    def __init__(self, subject: Filter, theta: list[Any], h: Hyper, dtype: str) -> None:
        self.subject, self.theta, self.h = subject, theta, h
        self.format, self.history = format_of(dtype), []

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def step(self, gradients: Sequence[Any]) -> None:
        self.history.insert(0, [np.array(g) for g in gradients])
        for i, theta in enumerate(self.theta):
            pairs = zip(self.subject.coefficients, self.history)
            self.theta[i] = self.format.round(
                theta - float(self.h.lr) * sum(c * g[i] for c, g in pairs)
            )

    def parameters(self) -> list[Any]:
        return [x.copy() for x in self.theta]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_identify_measures_a_random_filter_and_claims_no_name(seed: int, dtype: str) -> None:
    coefficients = tuple(np.random.default_rng(seed).standard_normal(10))
    found = identify(Filter(coefficients, (dtype,)))
    assert found.matches == ()
    assert found.difference is not None
    assert summary(found).startswith("no known convention")
    assert found.response is not None
    for got, wanted, doubt in zip(
        found.response.coefficients, coefficients, found.response.uncertainty
    ):
        assert abs(got - wanted) <= doubt
    assert found.response.linear
    assert found.response.shifted
    u = format_of(dtype).u
    reach = 1 + sum(abs(c) for c in coefficients)  # no iterate is further from zero
    assert max(found.response.uncertainty) <= 8 * 2 * u * reach


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h, s: h._replace(momentum=h.momentum * 1.001), "momentum is multiplied by 1.001"),
        (
            lambda h, s: h._replace(lr=h.lr * 0.9998**s.step),
            "lr is multiplied by 0.9998 at every step after the first",
        ),
        (  # far from every convention, and not the nearest to its own
            lambda h, s: h._replace(
                momentum=min(h.momentum, (s.step + 1) / (s.step + 10), key=plain)
            ),
            "momentum is at most (t + 1)/(t + 10) at step t, counted from 0",
        ),
    ],
)
def test_identify_takes_no_systematic_departure_for_rounding(change: Any, words: str) -> None:
    convention = get("accumulated")

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        return convention.step(theta, grad, state, change(h, state))

    found = identify(Machine(name="m", convention=convention, rule=rule), estimates=False)
    assert found.dtype == "float64"
    assert found.nearest.name == "accumulated"
    assert found.departures == (words,)
    assert not found.remarks


@pytest.mark.parametrize("taken", [frozenset({"lr", "momentum"}), None])
def test_identify_finds_nesterov_that_is_always_taken(taken: frozenset[str] | None) -> None:
    convention = get("accumulated")

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        return convention.step(theta, grad, state, h._replace(nesterov=True))

    subject = Machine(name="m", convention=convention, rule=rule, hyper=taken)
    found = identify(subject, estimates=False)
    if taken is None:
        (words,) = found.hypothesis.words
        assert words == "Nesterov's form is taken although nesterov is off"
    else:  # what has no flag for it is right in that form
        assert (found.nearest.full_name, found.departures) == ("accumulated:nesterov", ())


def test_identify_leads_with_what_no_convention_does() -> None:
    convention = get("accumulated")

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        return theta - h.lr * grad.map(np.sign), state._replace(step=state.step + 1)

    found = identify(Machine(name="m", convention=convention, rule=rule))
    assert summary(found).startswith("no known convention: not linear")


def test_identify_says_that_a_gradient_comes_late() -> None:
    """The parameter moves by the velocity of the step before."""

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        moved = theta - h.lr * state.v
        return moved, state._replace(step=state.step + 1, v=h.momentum * state.v + grad)

    found = identify(Machine(name="m", convention=get("zero_started"), rule=rule))
    assert "late: a gradient moves the parameter only one step after its own" in summary(found)


def test_identify_looks_at_more_than_one_parameter() -> None:
    class Second(MachineRun):
        def update(self, i: int, grad: Any, h: Hyper) -> None:
            super().update(i, grad if i == 0 else 2 * grad, h)

    found = identify(Machine(name="m", convention=get("accumulated"), run=Second))
    assert found.matches == ()
    assert found.difference is not None
    assert found.difference.parameter == 1


def test_identify_describes_the_first_difference() -> None:
    found = identify(Filter((1.0, 0.75, 0.5, 0.25)))
    assert found.nearest.name in ("accumulated", "zero_started", "scaled")
    assert found.difference is not None
    assert found.difference.step == 3  # 0.75^2 is not 0.5
    assert "first difference: probe 'constant', step 3" in describe(found)


def test_identify_survives_a_subject_that_refuses_everything() -> None:
    class Refusing(Filter):
        def start(self, *_: Any) -> "FilterRun":
            raise ValueError("no")

    found = identify(Refusing((1.0,)))
    assert found.matches == ()
    assert "constant" in found.refused
    assert "ValueError: no" in describe(found)


def test_describe_gives_formula_speakers_and_estimates() -> None:
    text = describe(identify(Machine(name="mine", convention=get("scaled:before"))))
    assert text.startswith("mine: scaled:before")
    assert "v = momentum*v + lr*g" in text
    assert "also spoken by d2l" in text
    assert "inside the velocity" in text
    assert "estimates" in text
    assert "no verdict" in text
