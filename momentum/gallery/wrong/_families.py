"""Runs in which one thing can go wrong: a defect says which, in a function of one line."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import format_of
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

saved = Family("save", lambda change, run, save: change(run, save()))
"""Something else is saved than the whole state."""

absent = Family("absent")
"""Something is done with a parameter that has no gradient."""

scheduled = Family("factor")
"""The scheduler multiplies the rate by something else."""


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


@family("state")
def counted(count: Method, run: MachineRun, state: Method, i: int) -> State:
    """The rule is given another count of steps than the parameter's own."""
    held: State = state(i)
    step = count(run, i, held.step)
    return held._replace(step=step) if held.step or not step else second(run, i, step)


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


def around(name: str) -> Family:
    """The family whose defects are handed a method as it should be, and its arguments."""
    return Family(name, lambda act, run, method, *given: act(run, method, *given))


def before(name: str) -> Family:
    """The family whose defects change attributes of the run before a method."""

    def stands(act: Method, run: MachineRun, method: Method, *given: object) -> object:
        vars(run).update(act(run, *given) or {})
        return method(*given)

    return Family(name, stands)


def afterwards(name: str) -> Family:
    """The family whose defects change attributes of the run when a method is done."""

    def stands(act: Method, run: MachineRun, method: Method, *given: object) -> object:
        result = method(*given)
        vars(run).update(act(run, *given))
        return result

    return Family(name, stands)


def fails(name: str, kind: type[Exception], words: str) -> Family:
    """The family whose defects end in this error, in place of a method, where they say so."""

    def stands(when: Method, run: MachineRun, method: Method, *given: object) -> object:
        if when(run, *given):
            raise kind(words)
        return method(*given)

    return Family(name, stands)


def then(*done: Any) -> Any:
    """What the last of these gives, which are done one after another."""
    return done[-1]


def late(run: MachineRun, i: int) -> bool:
    """The parameter came in a group that was added later."""
    return run.groups[i] >= len(run.given)


def second(run: MachineRun, i: int, step: int = 1) -> State:
    """The state of a parameter that has stepped and kept nothing."""
    initial: State = run.subject.convention.initial
    return initial._replace(step=step, v=np.zeros(run.theta[i].shape))


def reweighed(run: MachineRun, i: int, factor: float) -> State:
    """The state of a parameter, with its velocity multiplied."""
    held: State = run.states[i]
    return held._replace(v=format_of(run.dtypes[i]).round(factor * held.v))


def places(x: Array) -> NDArray[np.intp]:
    """The number of each element, in the order of reading."""
    return np.arange(x.size, dtype=np.intp).reshape(x.shape)


def first_row(x: Array) -> Array:
    """The first row, or slice, in place of all of them."""
    return np.array(np.broadcast_to(x[:1], x.shape))


def states(saved: Saved, change: Method) -> Saved:
    """A saved state with another record for each parameter."""
    return {**saved, "states": {i: change(i, state) for i, state in saved["states"].items()}}


def of_those(saved: Saved, kept: Method) -> Saved:
    """A saved state with the records of some parameters only."""
    return {**saved, "states": {i: s for i, s in saved["states"].items() if kept(i)}}
