"""What is meant where a subject, a measurement or a call says nothing more."""

import inspect
from collections.abc import Callable
from typing import Any

from momentum.subjects import drive
from momentum.subjects.judge import Measured
from momentum.subjects.layouts import laid_out
from momentum.subjects.protocol import Facts
from momentum.subjects.settings import set_torch


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Flags and numbers that a caller may leave out."""
    every = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in every if isinstance(p.default, (bool, int, float))}


def test_a_subject_claims_nothing_that_it_does_not_say_and_takes_every_shape() -> None:
    facts = Facts("own", ("float32",), frozenset({"lr"}))
    said = {n: x for n, x in vars(facts).items() if isinstance(x, bool)}
    assert {n for n, x in said.items() if x} == {"scalars", "empty"}
    assert set(said) == {
        "groups", "none_gradients", "flushes_subnormals", "compiles", "scalars", "empty",
        "at_once", "assumed",
    }  # fmt: skip
    assert facts.largest == 2**12 + 1  # more than one block of a power of two
    assert (facts.offers, facts.settable, facts.fixed) == (frozenset(), frozenset(), {})
    assert facts.domain.together is False


def test_a_measurement_is_of_no_step_and_claims_something() -> None:
    assert Measured(1.0, 2.0, "there") == (1.0, 2.0, "there", 0, "", True)


def test_a_run_is_told_of_changes_from_its_first_step_on() -> None:
    assert defaults(drive.steps) == {"first": 0, "told": True}
    assert defaults(drive.advance) == {"points": False, "told": True}
    assert defaults(laid_out) == {"gradient": False}
    assert defaults(set_torch) == {"flushing": False}
