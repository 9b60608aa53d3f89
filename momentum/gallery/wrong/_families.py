"""Runs in which one thing can go wrong: a defect says which, in a function of one line."""

import numpy as np
from numpy.typing import NDArray

from momentum.conventions import Hyper, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.run_state import Saved
from momentum.gallery.wrong._defect import Family, Method, family
from momentum.subjects.protocol import Array

told = Family("hyper", lambda change, run, hyper, i: change(run, i, hyper(i)))
"""The rule is given other hyper-parameters, from the run, the parameter and its own."""

misread = Family("update", lambda read, run, update, i, g, h: update(i, read(run, i, g), h))
"""Something else is taken for the gradient."""

loaded = Family("take_over", lambda change, run, take_over, saved: take_over(change(run, saved)))
"""Something else is taken over of a saved state."""


@family("update")
def moves(chosen: Method, run: MachineRun, update: Method, i: int, grad: Array, h: Hyper) -> None:
    """Only some parameters are updated."""
    if chosen(run, i, grad, h):
        update(i, grad, h)


@family("update")
def standing(still: Method, run: MachineRun, update: Method, i: int, grad: Array, h: Hyper) -> None:
    """Some elements do not move."""
    before = np.array(run.theta[i])
    update(i, grad, h)
    mask = np.broadcast_to(still(run, before), before.shape)
    run.theta[i][mask] = before[mask]


@family("advanced")
def stored(
    kept: Method, run: MachineRun, advanced: Method, i: int, theta: Array, grad: Array, h: Hyper
) -> tuple[Array, State]:
    """Something else is kept of a new parameter and a new velocity."""
    moved, state = advanced(i, theta, grad, h)
    moved, v = kept(run, run.dtypes[i], theta, moved, state.v)
    return moved, state._replace(v=v)


@family("duplicate")
def copied(change: Method, run: MachineRun, duplicate: Method, how: str) -> MachineRun:
    """A copy of the run has something otherwise than it should."""
    twin: MachineRun = duplicate(how)
    vars(twin).update(change(run, twin, how))
    return twin


@family("set")
def heard(change: Method, run: MachineRun, set: Method, hyper: Hyper, group: int = 0) -> None:
    """A group is told something else, or None for nothing, from what it had and should have."""
    new = change(run, group, run.hypers[group], hyper)
    if new is not None:
        set(new, group)


def before(name: str) -> Family:
    """The family whose defects do something before a method."""
    return Family(name, lambda act, run, method, *given: (act(run, *given), method(*given))[1])


def afterwards(name: str) -> Family:
    """The family whose defects do something when a method is done."""
    return Family(name, lambda act, run, method, *given: (method(*given), act(run, *given))[0])


def places(x: Array) -> NDArray[np.intp]:
    """The number of each element, in the order of reading."""
    return np.arange(x.size, dtype=np.intp).reshape(x.shape)


def states(saved: Saved, change: Method) -> Saved:
    """A saved state with another record for each parameter."""
    return {**saved, "states": {i: change(i, state) for i, state in saved["states"].items()}}
