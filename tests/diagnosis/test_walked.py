"""What is made of an array between two steps is named, with its place and its numbers."""

from typing import Any

import numpy as np
import pytest

from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.gallery import Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.subjects.problems import Problem

ACCUMULATED = get("accumulated")
ROUND = FORMATS["float32"].round


def norm(x: Any) -> float:
    return float(np.sqrt(np.sum(np.square(x))))


class Trusted(MachineRun):
    """The rate is scaled by the norms of parameter and gradient, in matrices."""

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        x, g = norm(self.theta[i]), norm(grad)
        share = 0.5 * x / g if x and g and grad.ndim > 1 else 1.0
        super().update(i, grad, h._replace(lr=h.lr * share))


class Layerwise(MachineRun):
    """The gradient with its decay is scaled."""

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        x, g = norm(self.theta[i]), norm(grad)
        share = 0.02 * x / (g + h.weight_decay * x) if x and g else 1.0
        sign = -1 if h.maximize else 1
        d = sign * grad + h.weight_decay * self.theta[i]
        super().update(i, ROUND(sign * share * d), h._replace(weight_decay=0.0))


class DeadZone(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        small = abs(self.theta[i] - before) < 1e-3
        self.theta[i][...] = np.where(small, before, self.theta[i])


class Keeping(MachineRun):
    """Something is made of the velocity that is kept."""

    def kept(self, v: Any) -> Any:
        raise NotImplementedError

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        super().update(i, grad, h)
        state = self.states[i]
        self.states[i] = state._replace(v=self.kept(np.array(state.v)))


class Dead(Keeping):
    def kept(self, v: Any) -> Any:
        return np.where(abs(v) < 0.01, 0.0, v)


class Capped(Keeping):
    def kept(self, v: Any) -> Any:
        return np.clip(v, -1.5, 1.5)


class Shortened(Keeping):
    def kept(self, v: Any) -> Any:
        return ROUND(v * min(1.0, 3.0 / (norm(v) or 1.0)))


class Turned(Keeping):
    def kept(self, v: Any) -> Any:
        return v.T.copy() if v.ndim == 2 and v.shape[0] == v.shape[1] else v


class Narrow(Keeping):
    def kept(self, v: Any) -> Any:
        return FORMATS["float16"].round(v)


class Bounded(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        super().update(i, grad, h)
        self.theta[i][...] = np.clip(self.theta[i], -1, 1)


class Rows(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        if grad.ndim > 1:
            norms = [[norm(row)] for row in grad]
            grad = ROUND(grad / np.where(np.array(norms) == 0, 1.0, norms))
        super().update(i, grad, h)


class Relative(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        limit = 0.1 * abs(before)
        self.theta[i][...] = ROUND(before + np.clip(self.theta[i] - before, -limit, limit))


class Cautious(MachineRun):
    """Steps against their gradient are left out, and the others are larger for it."""

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        step = before - self.theta[i]
        left = step * ((-grad if h.maximize else grad) + h.weight_decay * before) > 0
        scale = left.size / (np.sum(left) + 1)
        self.theta[i][...] = ROUND(before - scale * np.where(left, step, 0.0))


class Cut(Keeping):
    def kept(self, v: Any) -> Any:
        bits = np.asarray(v, dtype=np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return bits.view(np.float32).astype(np.float64)


class Levels(Keeping):
    def kept(self, v: Any) -> Any:
        unit = np.max(abs(v), initial=0.0) / 127
        return ROUND(np.round(v / unit) * unit) if unit else v


class Fading(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        super().update(i, grad, h._replace(lr=h.lr / np.sqrt(1 + self.state(i).step)))


class Smoothed(MachineRun):
    def setup(self) -> None:
        self.last: dict[int, Any] = {}

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        last = self.last.get(i, grad)
        self.last[i] = np.array(grad)
        super().update(i, ROUND((grad + last) / 2), h)


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


CAUSES: dict[type[MachineRun], str] = {
    Trusted: "parameters of 2 or more axes: each parameter's step before the rate is multiplied by"
    " 0.5 |x| / |g|, norms of parameter and gradient",
    Layerwise: "each parameter's gradient with its decay is multiplied by 0.02 |x| / (|g| +"
    " weight_decay |x|), norms of parameter and gradient",
    DeadZone: "elements of steps below about 0.001 count as 0",
    Dead: "elements of kept velocities below about 0.01 count as 0",
    Capped: "kept velocities are clipped to 1.5",
    Shortened: "each parameter's kept velocity is shortened to norm 3",
    Turned: "square matrices among the kept velocities are transposed",
    Narrow: "kept velocities are rounded to float16",
    Bounded: "parameters are clipped to 1",
    Rows: "the rows of gradients of two or more axes are divided by their norms",
    Relative: "each element of the steps is clipped to 0.1 of its parameter's",
    Cautious: "elements of steps before the rate against their gradient and decay count as 0, and"
    " the others are scaled up",
    Cut: "kept velocities are cut off to bfloat16",
    Levels: "each parameter's kept velocity is rounded to 127ths of its largest element",
    Fading: "lr is multiplied by t^(-0.5) at step t, counted from 1, by each parameter's own steps",
    Smoothed: "every step uses the mean of its gradient and the last one",
    Gathering: "one in 3 steps moves, by the mean of the gradients since the last one",
    Averaged: "what is shown is a running average, 0.1 of it the new iterate",
    Back: "at every 5th step only 0.5 of the way since the last such step is kept",
}


@pytest.mark.parametrize("run", CAUSES)
def test_function_of_an_array_is_named(run: type[MachineRun]) -> None:
    subject = Machine(name="m", convention=ACCUMULATED, run=run, dtypes=("float32",))
    row = (Hyper(0.1, 0.9, weight_decay=0.1),)
    problem = Problem("float32", ((4, 4), (7,), (3, 5)), (row,) * 8, (0,) * 3, "normal", 3)
    words = Explainer(subject, ACCUMULATED).cause(problem)
    assert words.partition(": ")[2] == CAUSES[run]


def test_function_of_an_array_that_has_no_effect_is_no_cause() -> None:
    """Its limit is beyond all that occurs, and the rate is wrong."""

    class Far(Capped):
        def kept(self, v: Any) -> Any:
            return np.clip(v, -1e30, 1e30)

        def hyper(self, i: int) -> Hyper:
            h = super().hyper(i)
            return h._replace(lr=h.lr * 1.01)

    subject = Machine(name="m", convention=ACCUMULATED, run=Far, dtypes=("float32",))
    problem = Problem("float32", ((7,),), ((Hyper(0.1, 0.9),),) * 4, (0,), "normal", 3)
    words = Explainer(subject, ACCUMULATED).cause(problem)
    assert words.endswith("lr is multiplied by 1.01")
