"""Dtypes that nobody claimed are judged where a trial shows that they are kept."""

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.conventions import get
from momentum.errors import UsageError
from momentum.gallery.machine.machine import Machine
from momentum.subjects.trial import Restated, claimed, trial

THREE = ("float32", "float64", "float16")


def plain(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    v = momentum * v + grad
    return theta - lr * v, v


def only_single(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    """As a kernel behind ctypes does: whatever comes is made float32."""
    return plain(*(x.astype(np.float32) for x in (theta, v, grad)), lr, momentum)


def single_inside(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    """Computed in float32, and given back in the dtype that came."""
    return tuple(x.astype(theta.dtype) for x in only_single(theta, v, grad, lr, momentum))


def raises_in_half(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    if theta.dtype == np.float16:
        raise TypeError("no kernel for half")
    return plain(theta, v, grad, lr, momentum)


def exits_in_double(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    if theta.dtype == np.float64:
        os._exit(3)
    return plain(theta, v, grad, lr, momentum)


def never_works(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    raise ValueError("no")


def axes_are_needed(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    return plain(*(np.ascontiguousarray(x) for x in (theta, v, grad)), lr, momentum)


def subject(function: Any) -> Restated:
    """A function that could be fed any of three dtypes, and claims none of them."""
    found = adapt(function, {}, function.__name__)
    return Restated(found, replace(found.facts, dtypes=THREE, assumed=True, scalars=True))


@pytest.mark.parametrize(
    ("function", "kept", "words"),
    [
        (plain, THREE, {}),
        (only_single, ("float32",), {"float64": "has become float32"}),
        (single_inside, ("float32", "float16"), {"float64": "its numbers are those of float32"}),
        (raises_in_half, ("float32", "float64"), {"float16": "no kernel for half"}),
        (exits_in_double, ("float32", "float16"), {"float64": "exit code 3"}),
        (never_works, ("float32",), {}),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_claimed_keeps_what_the_trial_shows(
    function: Any, kept: tuple[str, ...], words: dict[str, str]
) -> None:
    facts = claimed(subject(function)).facts
    assert tuple(d for d in facts.dtypes if d in THREE) == kept
    for dtype, text in words.items():
        assert text in facts.left[dtype]
    assert not facts.assumed
    assert claimed(claimed(subject(function))).facts.dtypes == facts.dtypes


def test_claimed_takes_what_is_asked_for() -> None:
    assert claimed(subject(only_single), ("float64",)).facts.dtypes == ("float64",)
    also = claimed(subject(only_single), (), ("float16",)).facts
    assert also.dtypes == ("float32", "float16")
    with pytest.raises(UsageError, match=r"does not claim posit: float32"):
        claimed(subject(plain), ("posit",))


def test_claimed_believes_a_subject_that_claims() -> None:
    machine = Machine("own", get("scaled"), dtypes=("float16",))
    assert claimed(machine) is machine


def test_claimed_tries_odd_shapes() -> None:
    facts = claimed(subject(axes_are_needed)).facts
    assert (facts.scalars, facts.empty) == (False, True)
    assert "wanted ()" in facts.left["scalars"]
    facts = claimed(subject(plain)).facts
    assert (facts.scalars, facts.empty) == (True, True)


def test_trial_ends_where_the_subject_hangs() -> None:
    def hangs(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
        while True:
            time.sleep(0.1)

    found = trial(subject(hangs), THREE, limit=0.5)
    assert set(found) == set(THREE)
    assert all("still running" in why for why in found.values())
