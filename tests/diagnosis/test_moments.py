"""What happens at some steps only is named, with the steps at which it does."""

from typing import Any

import numpy as np
import pytest

from momentum.checks.result import Result
from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.gallery import Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.subjects.problems import Problem

ACCUMULATED = get("accumulated")
ROW = (Hyper(0.1, 0.9),)
RATES = tuple((Hyper(lr, 0.9),) for lr in (0.1, 0.1, 0.3, 0.3, 0.05, 0.05))


def machine(run: type[MachineRun]) -> Machine:
    return Machine(name="m", convention=ACCUMULATED, run=run)


def cause(run: type[MachineRun], rows: Any = (ROW,) * 6, shapes: Any = ((7,),)) -> str:
    problem = Problem("float32", shapes, rows, (0,) * len(shapes))
    return Explainer(machine(run), ACCUMULATED).cause(problem).partition(": ")[2]


class Opposed(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        d = (-grad if h.maximize else grad) + h.weight_decay * self.theta[i]
        if i in self.states and np.sum(self.states[i].v * d) < 0:
            self.states.pop(i)
        super().update(i, grad, h)


class Wrapped(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        if i in self.states and self.states[i].step % 20 == 0:
            self.states.pop(i)
        super().update(i, grad, h)


class Idle(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        if h.lr:
            super().update(i, grad, h)


class Defaulting(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        super().update(i, grad, h._replace(lr=h.lr or 0.001))


class Corrected(MachineRun):
    def setup(self) -> None:
        self.last: dict[int, float] = {}

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        last = self.last.get(i, h.lr)
        if i in self.states and last != h.lr and last:
            state = self.states[i]
            self.states[i] = state._replace(v=state.v * (h.lr / last))
        self.last[i] = h.lr
        super().update(i, grad, h)


class Rising(Corrected):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        if h.lr > self.last.get(i, h.lr):
            self.states.pop(i, None)
        self.last[i] = h.lr
        MachineRun.update(self, i, grad, h)


class Lowest(Corrected):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        self.last[i] = min(h.lr, self.last.get(i, h.lr))
        MachineRun.update(self, i, grad, h._replace(lr=self.last[i]))


class Stale(MachineRun):
    """Decay finds the parameter where it was a step before."""

    def setup(self) -> None:
        self.before: dict[int, Any] = {}

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        here = self.theta[i].copy()
        share = h.weight_decay * self.before.get(i, here)
        self.before[i] = here
        super().update(i, grad + (-share if h.maximize else share), h._replace(weight_decay=0.0))


class AfterEmpty(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        same = [x for x, g in zip(self.theta[:i], self.groups) if g == self.groups[i]]
        if all(x.size for x in same):
            super().update(i, grad, h)


@pytest.mark.parametrize(
    ("run", "rows", "shapes", "words"),
    [
        (Opposed, (ROW,) * 6, ((7,),),
         "the velocity starts anew where a parameter's gradient points against it"),
        (Wrapped, (ROW,) * 24, ((7,),), "at step 21 the velocity starts at zero"),
        (Wrapped, (ROW,) * 44, ((7,),),
         "after every 20 steps the velocity starts at zero"),
        (Idle, (ROW, (Hyper(0.0, 0.9),), ROW, ROW), ((7,),),
         "a step at lr 0 is left out, its gradient too"),
        (Defaulting, ((Hyper(0.0, 0.9),),) * 4, ((7,),), "lr acts as 0.001 where it is 0"),
        (Corrected, RATES, ((7,),),
         "the velocity is multiplied by (new lr / old lr) whenever lr changes"),
        (Rising, RATES, ((7,),), "the velocity is lost whenever lr rises"),
        (Lowest, RATES, ((7,),), "in place of lr acts the smallest lr so far"),
        (Stale, ((Hyper(0.1, 0.9, weight_decay=0.2),),) * 4, ((7,),),
         "the weight decay takes the parameter as it was a step before"),
        (AfterEmpty, (ROW,) * 4, ((7,), (0,), (5,)),
         "parameters after an empty one of their group: left as they were"),
    ],
)  # fmt: skip
def test_what_happens_at_some_steps_is_named(
    run: type[MachineRun], rows: Any, shapes: Any, words: str
) -> None:
    assert cause(run, rows, shapes).endswith(words)


class ClosedUp(MachineRun):
    def receive(self, gradients: Any) -> None:
        super().receive(gradients)
        present = [g for g in self.grads if g is not None]
        self.grads = [
            g if g is not None and g.shape == x.shape else None
            for g, x in zip([*present, *[None] * len(self.grads)], self.theta)
        ]


def test_gradients_that_close_up_are_named() -> None:
    problem = Problem("float32", ((5,), (5,), (5,)), (ROW,) * 3, (0,) * 3, missing={(1, 0)})
    words = Explainer(machine(ClosedUp), ACCUMULATED).cause(problem)
    assert words.endswith("the gradients that there are go to the first parameters, in order")


class Grid(MachineRun):
    def update(self, i: int, grad: Any, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        self.theta[i].reshape(-1)[3000:] = before.reshape(-1)[3000:]


def test_what_is_wrong_in_a_large_copy_alone_is_named() -> None:
    """The problem's own few numbers are right; those copied into a large shape are not."""
    where = "step 1, a copy of coordinate 90 in shape (4097,)"
    problem = Problem("float32", ((97,),), (ROW,) * 2, (0,)).to_text()
    failed = Result("agrees_at_every_size", "float32", "shapes", "must", "s", "s", "failed",
                    where=where, problem=problem)  # fmt: skip
    told = Explainer(machine(Grid), ACCUMULATED).explain([failed])
    assert told[failed.id].endswith("the elements after the first 3000: left as they were")


def test_what_ends_in_a_run_is_named_with_its_step() -> None:
    class Stalled(MachineRun):
        def update(self, i: int, grad: Any, h: Hyper) -> None:
            held = self.states.get(i)
            super().update(i, grad, h)
            if held is not None and held.step >= 15:
                self.states[i] = held

    class Unweighted(MachineRun):
        def hyper(self, i: int) -> Hyper:
            return super().hyper(i)._replace(**({"momentum": 0.0} if self.taken >= 15 else {}))

    class Full(MachineRun):
        def setup(self) -> None:
            self.told: dict[int, Hyper] = {}

        def hyper(self, i: int) -> Hyper:
            self.told.setdefault(self.taken, super().hyper(i))
            return self.told[min(self.taken, 14)]

    rates = tuple((Hyper(0.1 + t / 64, 0.5),) for t in range(20))
    assert cause(Full, rates) == "from step 16 on lr stays what it was"
    assert cause(Stalled, (ROW,) * 20) == "after step 15 the velocity stays as it is"
    assert cause(Unweighted, (ROW,) * 20) == "from step 16 on momentum has no effect"
