"""What the fields and keys of a step's state hold."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.conventions import Hyper, get
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem


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


H = Hyper(0.1, 0.9)


def measured(f, convention, h=H, later=H):
    subject = adapt(f, {}, "mine")
    rows = ((h,),) * 2 + ((later,),) * 2
    problem = Problem("float64", ((3,), (2, 2)), rows, (0, 0), seed=2)
    return max(m.ratio for m in judge(subject, observe(subject, problem), get(convention)))


@pytest.mark.parametrize(
    "f",
    [
        *(points, points_in_a_dict, places_in_place, point_in_a_state, late_point),
        arguments_in_place,
    ],
    ids=lambda f: f.__name__,
)
def test_the_iterate_before_starts_as_the_iterate_wherever_it_is_held(f):
    assert measured(f, "two_point", later=Hyper(0.03, 0.7)) <= 1
