"""The arrays of a step that a function may stand between, and the step that others lead to."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from momentum.conventions import Convention, Hyper, State
from momentum.diagnosis.hypothesis import Array

Taken = tuple[Array, State]
"""Parameter and state after a step."""


class Here(NamedTuple):
    """One parameter before a step; arrays in its shape.

    g: None where it has no gradient. past: its start, and where each step led. layout: of the run's
    tensors. every: what is changed, of all parameters that have a gradient. dtype: the problem's.
    """

    x: Array
    g: Array | None
    state: State
    h: Hyper
    past: Sequence[Array] = ()
    layout: str = ""
    every: Sequence[Array] = ()
    dtype: str = "float32"

    def norm(self, a: Array | None) -> np.float64:
        """The length of an array, by which NumPy divides, be it 0.

        nan where the squares may be lost, as then it is not defined by the function alone.
        """
        square = np.float64(0 if a is None else np.sum(np.square(a)))
        reach = 2.0**800 if self.dtype == "float64" else 2.0**100
        known = 1 / reach < square < reach or not square
        return np.float64(np.sqrt(square if known else np.float64(np.nan)))

    def taken(self, rule: Convention) -> Taken:
        """Parameter and state after the rule's step."""
        if self.g is None:
            return self.x, self.state
        with np.errstate(all="ignore"):
            moved, state = rule.step(self.x, self.g, self.state, self.h)
            return np.asarray(moved), state

    @property
    def signed(self) -> Array:
        """The gradient to descend along."""
        g = 0 * self.x if self.g is None else self.g
        return np.asarray(-g if self.h.maximize else g)

    @property
    def decayed(self) -> Array:
        """The same with its decay."""
        return np.asarray(self.signed + self.h.weight_decay * self.x)


class Place(NamedTuple):
    """Where a function acts. plural, each: the array in words. seen: it. taken: the step with it.

    knows: whether there is such an array here. later: from the second step on.
    """

    plural: str
    each: str
    seen: Callable[[Convention, Here], Array]
    taken: Callable[[Convention, Here, Array], Taken]
    knows: Callable[[Convention, Here], bool] = lambda rule, here: True
    later: bool = False


def _by_velocity(rule: Convention, here: Here, v: Array) -> Taken:
    """The step that has this new velocity, by way of the old one that it would have come from."""
    raw, after = here.taken(rule)
    state = here.state
    for step in (state.step, 1):
        state = state._replace(step=step)
        none = here._replace(state=state._replace(v=0 * v)).taken(rule)[1].v
        share = here._replace(state=state._replace(v=0 * v + 1)).taken(rule)[1].v - none
        if np.all(share):
            old = np.where(v == after.v, state.v, (v - none) / share)
            moved, _ = here._replace(state=state._replace(v=old)).taken(rule)
            return np.where(v == after.v, raw, moved), after._replace(v=v)
    part = np.where(after.v == v, 1.0, v / np.where(after.v == 0, 1.0, after.v))
    return here.x + (raw - here.x) * part, after._replace(v=v)


def _by_step(rule: Convention, here: Here, step: Array) -> Taken:
    moved, state = here.taken(rule)
    return np.where(step == moved - here.x, moved, here.x + step), state


def _by_update(rule: Convention, here: Here, update: Array) -> Taken:
    moved, state = here.taken(rule)
    same = update == (here.x - moved) / here.h.lr
    return np.where(same, moved, here.x - here.h.lr * update), state


GRADIENT = Place("gradients", "each parameter's gradient", lambda rule, here: np.asarray(here.g),
                 lambda rule, here, g: here._replace(g=g).taken(rule))  # fmt: skip
UPDATE = Place("steps before the rate", "each parameter's step before the rate",
               lambda rule, here: (here.x - here.taken(rule)[0]) / here.h.lr, _by_update,
               lambda rule, here: here.h.lr != 0)  # fmt: skip
PARAMETER = Place("parameters", "each parameter", lambda rule, here: here.taken(rule)[0],
                  lambda rule, here, x: (x, here.taken(rule)[1]))  # fmt: skip
DECAYED = Place("gradients with their decay", "each parameter's gradient with its decay",
                lambda rule, here: here.decayed,
                lambda rule, here, d: here._replace(
                    g=-d if here.h.maximize else d,
                    h=here.h._replace(weight_decay=0.0)).taken(rule),
                lambda rule, here: rule.decay == "coupled")  # fmt: skip
PLACES = (
    GRADIENT,
    DECAYED,
    Place("velocities", "each parameter's velocity",
          lambda rule, here: np.asarray(here.taken(rule)[1].v), _by_velocity,
          lambda rule, here: not rule.keeps_iterates),
    Place("kept velocities", "each parameter's kept velocity",
          lambda rule, here: here.state.v + 0 * here.x,
          lambda rule, here, v: here._replace(state=here.state._replace(v=v)).taken(rule),
          lambda rule, here: not rule.keeps_iterates and here.state.step > 0, True),
    UPDATE,
    Place("steps", "each parameter's step",
          lambda rule, here: here.taken(rule)[0] - here.x, _by_step),
    PARAMETER,
)  # fmt: skip

Change = Callable[[Array, Here], "Array | None"]
"""What is made of an array; None leaves its parameter out of the step."""
