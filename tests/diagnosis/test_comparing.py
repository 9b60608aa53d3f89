"""One implementation against every convention: the same, or how far, by hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.conventions import CONVENTIONS, Hyper, get
from momentum.diagnosis.comparing import Cell, compare
from momentum.subjects.protocol import Facts


def rounded(values: Any) -> Any:
    return np.asarray(values, dtype=np.float32).astype(np.float64)


@dataclass
class _Run:
    """A convention as a subject, in float64 on arrays that nothing rounds."""

    name: str
    theta: list[Any]
    states: list[Any]
    h: Hyper

    def step(self, gradients: Any) -> None:
        rule = get(self.name)
        for i, g in enumerate(gradients):
            self.theta[i], self.states[i] = rule.step(self.theta[i], g, self.states[i], self.h)

    def parameters(self) -> list[Any]:
        return [rounded(x) for x in self.theta]

    def point(self) -> list[Any]:
        at = get(self.name).gradient_point
        return [rounded(at(x, s, self.h)) for x, s in zip(self.theta, self.states)]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper


@dataclass(frozen=True)
class Speaker:
    """A subject that follows a convention."""

    name: str

    @property
    def facts(self) -> Facts:
        takes = get(self.name).takes | {"lr"}
        return Facts(
            name=self.name,
            dtypes=("float32",),
            hyper=takes,
            settable=takes - {"nesterov"},
            offers=frozenset({"point"}),
        )

    def start(self, parameters: Any, hypers: Any, *rest: Any) -> Any:
        states = [get(self.name).initial for _ in parameters]
        return _Run(self.name, list(parameters), states, hypers[0])


@pytest.mark.parametrize("name", CONVENTIONS)
def test_compare_finds_a_convention_the_same_as_itself(name: str) -> None:
    assert compare(Speaker(name))[name] == Cell("same")


@pytest.mark.parametrize(
    ("subject", "other", "kind"),
    [
        ("accumulated", "zero_started", "partly"),  # dampening holds the first gradient back
        ("accumulated", "scaled", "constant"),  # where the rate stands is seen when it changes
        ("zero_started", "scaled", "constant"),
        ("scaled", "two_point", "same"),  # v is the last move
        ("scaled", "look_ahead", "different"),  # the gradient is taken elsewhere
        ("accumulated", "averaged", "different"),
        ("averaged", "quasi_hyperbolic", "same"),  # nu is 1 where it is not set
        ("averaged", "averaged_debiased", "different"),
    ],
)
def test_compare_tells_conventions_apart(subject: str, other: str, kind: str) -> None:
    assert compare(Speaker(subject))[other].kind == kind


def test_compare_asks_for_no_dtype_that_is_not_claimed() -> None:
    def keeps_float64(theta, v, grad, lr, momentum):  # type: ignore[no-untyped-def]
        v = (momentum * v + grad).astype("float64")
        return theta.astype("float64") - lr * v, v

    subject = adapt(keeps_float64, {}, "mine")
    assert subject.facts.dtypes == ("float64",)
    assert compare(subject)["zero_started"].kind == "same"


def test_compare_names_the_first_difference_by_hand() -> None:
    """Momentum 1/2, lr 1/2, then 1/4 at step 3: v keeps the old rate's share in scaled only."""
    cell = compare(Speaker("accumulated"))["scaled"]
    assert cell.difference.startswith("step 3: x = ")
    assert cell.difference.endswith("(lr 0.25, after 0.5)")
    assert 0 < cell.apart < 1


def test_compare_gives_a_distance_of_one_where_twice_as_far_is_gone() -> None:
    """At momentum 1/2 the sum of the gradients is twice their average."""
    assert compare(Speaker("accumulated"))["averaged"].apart == 1.0
