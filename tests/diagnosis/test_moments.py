"""What happens at some steps only is named, with the steps at which it does."""

from typing import Any

import numpy as np
import pytest
from machines import ACCUMULATED, ROW, machine
from machines import cause as cause_of

from momentum.checks.result import Result
from momentum.conventions import Hyper
from momentum.diagnosis import Explainer
from momentum.diagnosis.hypothesis import Hypothesis
from momentum.diagnosis.moments import decayed, late
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._families import around, moves, places, standing, told
from momentum.subjects.drive import observe
from momentum.subjects.problems import Problem

MOMENTA = tuple((Hyper(0.1, mu),) for mu in (0.5, 0.75, 0.75, 0.25, 0.5))
RATES = tuple((Hyper(lr, 0.9),) for lr in (0.1, 0.1, 0.3, 0.3, 0.05, 0.05))


def cause(run: type[MachineRun], rows: Any = (ROW,) * 6, shapes: Any = ((7,),)) -> str:
    problem = Problem("float32", shapes, rows, (0,) * len(shapes))
    return cause_of(run, problem).partition(": ")[2]


def lost_where(lost: Any) -> type[MachineRun]:
    """The velocity is lost, from the run, the parameter, its gradient and its numbers."""

    def update(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
        if i in run.states and lost(run, i, grad, h):
            run.states.pop(i)
        run.aside[i] = h.lr
        update(i, grad, h)

    return around("update").made(update)


def opposed(run: Any, i: int, grad: Any, h: Hyper) -> bool:
    d = (-grad if h.maximize else grad) + h.weight_decay * run.theta[i]
    return bool(np.sum(run.states[i].v * d) < 0)


def corrected(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    last = run.aside.get(i, h.lr)
    if i in run.states and last != h.lr and last:
        state = run.states[i]
        run.states[i] = state._replace(v=state.v * (h.lr / last))
    run.aside[i] = h.lr
    update(i, grad, h)


def averaged(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    """The velocity is kept as (1 - momentum) of it."""
    last = run.aside.get(i, h.momentum)
    if i in run.states:
        state = run.states[i]
        run.states[i] = state._replace(v=state.v * (1 - last) / (1 - h.momentum))
    run.aside[i] = h.momentum
    update(i, grad, h)


def lowest(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    run.aside[i] = min(h.lr, run.aside.get(i, h.lr))
    update(i, grad, h._replace(lr=run.aside[i]))


def stale(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
    """Decay finds the parameter where it was a step before."""
    here = run.theta[i].copy()
    share = h.weight_decay * run.aside.get(i, here)
    run.aside[i] = here
    update(i, grad + (-share if h.maximize else share), h._replace(weight_decay=0.0))


def after_none(run: Any, i: int, grad: Any, h: Hyper) -> bool:
    """No parameter before it in its group is empty."""
    return all(x.size for x, g in zip(run.theta[:i], run.groups) if g == run.groups[i])


WRAPPED = lost_where(lambda run, i, g, h: run.states[i].step % 20 == 0)


@pytest.mark.parametrize(
    ("run", "rows", "shapes", "words"),
    [
        (lost_where(opposed), (ROW,) * 6, ((7,),),
         "the velocity starts anew where a parameter's gradient points against it"),
        (WRAPPED, (ROW,) * 24, ((7,),), "at step 21 the velocity starts at zero"),
        (WRAPPED, (ROW,) * 44, ((7,),), "after every 20 steps the velocity starts at zero"),
        (moves.made(lambda run, i, g, h: h.lr), (ROW, (Hyper(0.0, 0.9),), ROW, ROW), ((7,),),
         "a step at lr 0 is left out, its gradient too"),
        (told.made(lambda run, i, h: h._replace(lr=h.lr or 0.001)), ((Hyper(0.0, 0.9),),) * 4,
         ((7,),), "lr acts as 0.001 where it is 0"),
        (around("update").made(corrected), RATES, ((7,),),
         "the velocity is multiplied by (new lr / old lr) whenever lr changes"),
        (around("update").made(averaged), MOMENTA, ((7,),),
         "the velocity is multiplied by (1 - old momentum) / (1 - new momentum) whenever momentum"
         " changes"),
        (told.made(lambda run, i, h: h._replace(lr=round(h.lr, 6))),
         ((Hyper(0.00123456, 0.9),),) * 4, ((7,),), "lr is rounded to 6 decimals"),
        (lost_where(lambda run, i, g, h: h.lr > run.aside[i]), RATES, ((7,),),
         "the velocity is lost whenever lr rises"),
        (around("update").made(lowest), RATES, ((7,),),
         "in place of lr acts the smallest lr so far"),
        (around("update").made(stale), ((Hyper(0.1, 0.9, weight_decay=0.2),),) * 4, ((7,),),
         "the weight decay takes the parameter as it was a step before"),
        (moves.made(after_none), (ROW,) * 4, ((7,), (0,), (5,)),
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
    assert cause_of(ClosedUp, problem).endswith(
        "the gradients that there are go to the first parameters, in order"
    )


def test_what_is_wrong_in_a_large_copy_alone_is_named() -> None:
    """The problem's own few numbers are right; those copied into a large shape are not."""
    grid = standing.made(lambda run, x: places(x) >= 3000)
    where = "step 1, a copy of coordinate 90 in shape (4097,)"
    problem = Problem("float32", ((97,),), (ROW,) * 2, (0,)).to_text()
    failed = Result("agrees_at_every_size", "float32", "shapes", "must", "s", "s", "failed",
                    where=where, problem=problem)  # fmt: skip
    told = Explainer(machine(grid), ACCUMULATED).explain([failed])
    assert told[failed.id].endswith("the elements after the first 3000: left as they were")


def test_what_ends_in_a_run_is_named_with_its_step() -> None:
    class Stalled(MachineRun):
        def update(self, i: int, grad: Any, h: Hyper) -> None:
            held = self.states.get(i)
            super().update(i, grad, h)
            if held is not None and held.step >= 15:
                self.states[i] = held

    unweighted = told.made(lambda run, i, h: h._replace(momentum=0.0) if run.taken >= 15 else h)
    full = told.made(
        lambda run, i, h: run.aside.setdefault(run.taken, h) and run.aside[min(run.taken, 14)]
    )
    rates = tuple((Hyper(0.1 + t / 64, 0.5),) for t in range(20))
    assert cause(full, rates) == "from step 16 on lr stays what it was"
    assert cause(Stalled, (ROW,) * 20) == "after step 15 the velocity stays as it is"
    assert cause(unweighted, (ROW,) * 20) == "from step 16 on momentum has no effect"


def halving(run: Any, i: int, h: Hyper) -> Hyper:
    return h._replace(lr=h.lr * 0.5 ** (run.taken // 20))


def test_a_rate_that_falls_is_said_to_fall_again_where_the_run_shows_it() -> None:
    once = "at step 21 lr is multiplied by 0.5"
    again = "after every 20 steps lr is multiplied by 0.5"
    for steps, words in ((24, once), (45, again)):
        rows = (ROW,) * steps
        problem = Problem("float32", ((3,),), rows, (0,))
        run = machine(told.made(halving), hyper=frozenset({"lr", "momentum"}))
        seen = observe(run, problem)
        found = decayed(Hypothesis.of(ACCUMULATED), seen, 21)
        assert [s.words for s in found if s.hypothesis.holds(run, seen)] == [words]


def test_a_second_first_step_is_named_by_its_number() -> None:
    """Of the optimizer's steps, of which a parameter may have missed the first."""
    problem = Problem("float32", ((7,), (5,)), (ROW,) * 4, (0, 0), missing=frozenset({(0, 1)}))
    run = machine(lost_where(lambda run, i, g, h: run.taken == 1))
    seen = observe(run, problem)
    found = late(Hypothesis.of(ACCUMULATED), problem, 2)
    assert [s.words for s in found if s.hypothesis.holds(run, seen)] == [
        "at step 2 alone the velocity of what has a gradient at it starts anew"
    ]
