"""What the fields and keys of a step's state hold, and what a partial has bound."""

from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.conventions import Hyper, get
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem


@dataclass(frozen=True)
class Weighed:
    theta: np.ndarray
    v: np.ndarray
    lr: float
    momentum: float
    weight: float = 0.0


@dataclass(slots=True)
class Slotted:
    x: Any
    v: Any
    lr: float
    momentum: float
    weight: float = 0.0


@dataclass(frozen=True)
class Needed:
    z: np.ndarray
    w: np.ndarray
    lr: "float"
    momentum: "float"
    weight: "float"
    x: int


class Named(NamedTuple):
    p: np.ndarray
    v: np.ndarray
    lr: float
    momentum: float
    w: float = 0.0


@dataclass
class Floats:
    w: float
    v: float
    lr: float
    momentum: float
    total: float = 0.0


class Points(NamedTuple):
    x: np.ndarray
    x_prev: np.ndarray
    lr: float
    momentum: float


@dataclass
class Places:
    w: np.ndarray
    w_old: np.ndarray
    lr: float
    momentum: float


def averaged(theta, v, weight, state, grad):
    weight = state.momentum * weight + (1 - state.momentum)
    v = state.momentum * v + (1 - state.momentum) * grad
    return theta - state.lr / weight * v, v, weight


def weighed(state: Weighed, grad):
    theta, v, weight = averaged(state.theta, state.v, state.weight, state, grad)
    return replace(state, theta=theta, v=v, weight=weight)


def slotted(state: Slotted, grad):
    x, v, weight = averaged(state.x, state.v, state.weight, state, grad)
    return replace(state, x=x, v=v, weight=weight)


def slotted_in_place(state: Slotted, grad) -> None:
    state.x, state.v, state.weight = averaged(state.x, state.v, state.weight, state, grad)


def needed(state: Needed, grad):
    assert state.weight < 1
    assert state.x == 0
    w, z, weight = averaged(state.w, state.z, state.weight, state, grad)
    return replace(state, w=w, z=z, weight=weight)


def named(state: Named, grad):
    p, v, w = averaged(state.p, state.v, state.w, state, grad)
    return state._replace(p=p, v=v, w=w)


def floats(state: Floats, grad):
    w, v, total = averaged(state.w, state.v, state.total, state, grad)
    return replace(state, w=w, v=v, total=total)


def keyed(state, grad):
    mu = state["momentum"]
    state["weight"] = mu * state.get("weight", 0.0) + (1 - mu)
    state["v"] = mu * state["v"] + (1 - mu) * grad
    state["theta"] = state["theta"] - state["lr"] / state["weight"] * state["v"]
    return state


def moved(x, earlier, grad, lr, momentum):
    return x - lr * grad + momentum * (x - earlier)


def points(state: Points, grad):
    x = moved(state.x, state.x_prev, grad, state.lr, state.momentum)
    return state._replace(x=x, x_prev=state.x)


def points_in_a_dict(state, grad):
    x = moved(state["w"], state["w_prev"], grad, state["lr"], state["momentum"])
    return {**state, "w": x, "w_prev": state["w"]}


def places_in_place(state: Places, grad) -> None:
    after = moved(state.w, state.w_old, grad, state.lr, state.momentum)
    state.w_old[...] = state.w
    state.w[...] = after


def point_in_a_state(x, grad, state, lr, momentum):
    after = moved(x, state["x_prev"], grad, lr, momentum)
    return after, {"x_prev": x}


def late_point(x, grad, state, lr, momentum):
    after = moved(x, state.get("x_prev", x), grad, lr, momentum)
    state["x_prev"] = x
    return after


def arguments_in_place(x, x_prev, grad, lr, momentum):
    after = moved(x, x_prev, grad, lr, momentum)
    x_prev[...] = x
    x[...] = after


def general(theta, grad, v, lr, momentum, *, nesterov):
    v = momentum * v + lr * grad
    return v, theta - (momentum * v + lr * grad if nesterov else v)


H = Hyper(0.1, 0.9)
NAMES = attrgetter("__name__")


def measured(f, convention, h=H, later=H):
    subject = adapt(f, {}, "mine")
    rows = ((h,),) * 2 + ((later,),) * 2
    problem = Problem("float64", ((3,), (2, 2)), rows, (0, 0), seed=2)
    return max(m.ratio for m in judge(subject, observe(subject, problem), get(convention)))


@pytest.mark.parametrize(
    "f", [weighed, slotted, slotted_in_place, needed, named, floats, keyed], ids=NAMES
)
def test_a_number_beside_the_arrays_is_not_taken_for_one(f):
    assert measured(f, "averaged_debiased") <= 1


@pytest.mark.parametrize(
    "f",
    [
        *(points, points_in_a_dict, places_in_place, point_in_a_state, late_point),
        arguments_in_place,
    ],
    ids=NAMES,
)
def test_the_iterate_before_starts_as_the_iterate_wherever_it_is_held(f):
    assert measured(f, "two_point", later=Hyper(0.03, 0.7)) <= 1


@pytest.mark.parametrize("nesterov", [True, False])
def test_a_flag_that_a_partial_has_bound_stays_so(nesterov):
    f = partial(general, nesterov=nesterov)
    assert adapt(f, {}, "mine").facts.fixed == {"nesterov": nesterov}
    h = Hyper(0.1, 0.9, nesterov=nesterov)
    assert measured(f, "scaled", h, h) <= 1
    assert adapt(f, {"nesterov": True}, "mine").facts.fixed == {"nesterov": True}
