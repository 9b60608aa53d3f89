"""What is made of an array between two steps is named, with its place and its numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from machines import cause, machine

from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._families import around, misread, stored, told
from momentum.subjects.problems import Problem

ROUND = FORMATS["float32"].round


def norm(x: Any) -> float:
    return float(np.sqrt(np.sum(np.square(x))))


def kept(change: Callable[[Any], Any]) -> type[MachineRun]:
    """Something is made of the velocity that is kept."""
    return stored.made(lambda run, dtype, before, after, v: (after, change(v)))


def moved(change: Callable[[Any, Any], Any]) -> type[MachineRun]:
    """Something is made of a step, from the parameter before and after it."""
    return stored.made(lambda run, dtype, before, after, v: (ROUND(change(before, after)), v))


def trusted(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    """The rate is scaled by the norms of parameter and gradient, in matrices."""
    x, g = norm(run.theta[i]), norm(grad)
    share = 0.5 * x / g if x and g and grad.ndim > 1 else 1.0
    update(i, grad, h._replace(lr=h.lr * share))


def layerwise(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    """The gradient with its decay is scaled."""
    x, g = norm(run.theta[i]), norm(grad)
    share = 0.02 * x / (g + h.weight_decay * x) if x and g else 1.0
    sign = -1 if h.maximize else 1
    d = sign * grad + h.weight_decay * run.theta[i]
    update(i, ROUND(sign * share * d), h._replace(weight_decay=0.0))


def cautious(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    """Steps against their gradient are left out, and the others are larger for it."""
    before = np.array(run.theta[i])
    update(i, grad, h)
    step = before - run.theta[i]
    left = step * ((-grad if h.maximize else grad) + h.weight_decay * before) > 0
    scale = left.size / (np.sum(left) + 1)
    run.theta[i][...] = ROUND(before - scale * np.where(left, step, 0.0))


def smoothed(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    last = run.aside.get(i, grad)
    run.aside[i] = np.array(grad)
    update(i, ROUND((grad + last) / 2), h)


def rows(run: Any, i: int, grad: Any) -> Any:
    norms = np.array([[norm(row)] for row in grad]) if grad.ndim > 1 else 1.0
    return ROUND(grad / np.where(norms == 0, 1.0, norms))


def within(before: Any, after: Any) -> Any:
    limit = 0.1 * abs(before)
    return before + np.clip(after - before, -limit, limit)


def cut(v: Any) -> Any:
    bits = np.asarray(v, dtype=np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.float64)


def levels(v: Any) -> Any:
    unit = np.max(abs(v), initial=0.0) / 127
    return ROUND(np.round(v / unit) * unit) if unit else v


class Gathering(MachineRun):
    """One call in three steps, with the mean of the gradients."""

    def setup(self) -> None:
        self.sums: Any = [None] * len(self.theta)
        self.calls = 0

    def step(self, gradients: Any) -> None:
        self.sums = [
            a if g is None else g if a is None else a + g for a, g in zip(self.sums, gradients)
        ]
        self.calls += 1
        if self.calls % 3 == 0:
            super().step([None if a is None else ROUND(a / 3) for a in self.sums])
            self.sums = [None] * len(self.theta)


class Averaged(MachineRun):
    """What is shown lags behind."""

    def setup(self) -> None:
        self.hidden = [np.array(x) for x in self.theta]

    def step(self, gradients: Any) -> None:
        shown = [np.array(x) for x in self.theta]
        for x, hidden in zip(self.theta, self.hidden):
            x[...] = hidden
        super().step(gradients)
        self.hidden = [np.array(x) for x in self.theta]
        for x, before in zip(self.theta, shown):
            x[...] = ROUND(0.9 * before + 0.1 * x)


class Back(MachineRun):
    """Every fifth step goes half of the way back."""

    def setup(self) -> None:
        self.slow, self.calls = [np.array(x) for x in self.theta], 0

    def step(self, gradients: Any) -> None:
        super().step(gradients)
        self.calls += 1
        if self.calls % 5 == 0:
            for x, slow in zip(self.theta, self.slow):
                x[...] = ROUND(slow + 0.5 * (x - slow))
            self.slow = [np.array(x) for x in self.theta]


CAUSES: dict[str, type[MachineRun]] = {
    "parameters of 2 or more axes: each parameter's step before the rate is multiplied by"
    " 0.5 |x| / |g|, norms of parameter and gradient": around("update").made(trusted),
    "each parameter's gradient with its decay is multiplied by 0.02 |x| / (|g| +"
    " weight_decay |x|), norms of parameter and gradient": around("update").made(layerwise),
    "elements of steps below about 0.001 count as 0":
        moved(lambda x, y: np.where(abs(y - x) < 1e-3, x, y)),
    "elements of kept velocities below about 0.01 count as 0":
        kept(lambda v: np.where(abs(v) < 0.01, 0.0, v)),
    "kept velocities are clipped to 1.5": kept(lambda v: np.clip(v, -1.5, 1.5)),
    "each parameter's kept velocity is shortened to norm 3":
        kept(lambda v: ROUND(v * min(1.0, 3.0 / (norm(v) or 1.0)))),
    "square matrices among the kept velocities are transposed":
        kept(lambda v: v.T.copy() if v.ndim == 2 and v.shape[0] == v.shape[1] else v),
    "kept velocities are rounded to float16": kept(FORMATS["float16"].round),
    "parameters are clipped to 1": moved(lambda x, y: np.clip(y, -1, 1)),
    "the rows of gradients of two or more axes are divided by their norms": misread.made(rows),
    "each element of the steps is clipped to 0.1 of its parameter's": moved(within),
    "elements of steps before the rate that go against their gradient and decay count as 0, and"
    " the others are scaled up": around("update").made(cautious),
    "kept velocities are cut off to bfloat16": kept(cut),
    "each parameter's kept velocity is rounded to 127ths of its largest element": kept(levels),
    "lr is multiplied by t^(-0.5) at step t, counted from 1, by each parameter's own steps":
        told.made(lambda run, i, h: h._replace(lr=h.lr / np.sqrt(1 + run.state(i).step))),
    "every step uses the mean of its gradient and the last one": around("update").made(smoothed),
    "one in 3 steps moves, by the mean of the gradients since the last one": Gathering,
    "what is shown is a running average, 0.1 of it the new iterate": Averaged,
    "at every 5th step only 0.5 of the way since the last such step is kept": Back,
}  # fmt: skip


@pytest.mark.parametrize("words", CAUSES)
def test_function_of_an_array_is_named(words: str) -> None:
    row = (Hyper(0.1, 0.9, weight_decay=0.1),)
    problem = Problem("float32", ((4, 4), (7,), (3, 5)), (row,) * 8, (0,) * 3, "normal", 3)
    subject = machine(CAUSES[words], dtypes=("float32",))
    assert cause(subject, problem).partition(": ")[2] == words


def test_function_of_an_array_that_has_no_effect_is_no_cause() -> None:
    """Its limit is beyond all that occurs, and the rate is wrong."""

    class Far(kept(lambda v: np.clip(v, -1e30, 1e30))):
        def hyper(self, i: int) -> Hyper:
            h = super().hyper(i)
            return h._replace(lr=h.lr * 1.01)

    problem = Problem("float32", ((7,),), ((Hyper(0.1, 0.9),),) * 4, (0,), "normal", 3)
    words = cause(machine(Far, dtypes=("float32",)), problem)
    assert words.endswith("lr is multiplied by 1.01")


@pytest.mark.parametrize("least", [2.0**-150, 1e-60])
def test_gradients_lost_to_a_squared_norm_are_told_as_far_as_they_are_seen(least: float) -> None:
    """Where the limit lies, between these and numbers near to 1, no run tells."""
    lost = misread.made(lambda run, i, g: g if np.sum(np.square(g)) > least else 0 * g)
    problem = Problem("float32", ((33,),), ((Hyper(0.3, 0.8),),) * 2, (0,), "tiny", seed=1)
    words = cause(machine(lost, dtypes=("float32",)), problem)
    assert words.endswith("gradients all of whose elements are subnormal numbers count as 0")
