"""Runs in which one thing can go wrong: a defect says which, in a function of one line."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.conventions import Hyper, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.run_state import Saved
from momentum.gallery.wrong._defect import Family
from momentum.subjects.protocol import Array


class RuleRun(MachineRun):
    """A run whose hyper-parameters go through `seen_by_rule` first."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        """What the rule is given for parameter i."""
        raise NotImplementedError

    def hyper(self, i: int) -> Hyper:
        return self.seen_by_rule(i, super().hyper(i))


class _Choosing(MachineRun):
    def moves(self, i: int, grad: Array, h: Hyper) -> bool:
        """Whether parameter i is updated at all."""
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if self.moves(i, grad, h):
            super().update(i, grad, h)


class _Misreading(MachineRun):
    def read(self, i: int, grad: Array) -> Array:
        """What is taken for the gradient of parameter i."""
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, self.read(i, grad), h)


class _Standing(MachineRun):
    def still(self, x: Array) -> Any:
        """A mask of the elements that do not move."""
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        still = np.broadcast_to(self.still(before), before.shape)
        self.theta[i][still] = before[still]


class _Storing(MachineRun):
    def stored(self, dtype: str, before: Array, moved: Array, v: Any) -> tuple[Any, Any]:
        """What is kept of a new parameter and a new velocity. before: the parameter before it."""
        raise NotImplementedError

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, State]:
        moved, state = super().advanced(i, theta, grad, h)
        moved, v = self.stored(self.dtypes[i], theta, moved, state.v)
        return moved, state._replace(v=v)


class _Loading(MachineRun):
    def loaded(self, saved: Saved) -> Saved:
        """What is taken over of a saved state."""
        raise NotImplementedError

    def take_over(self, saved: Saved) -> None:
        super().take_over(self.loaded(saved))


class _Copying(MachineRun):
    def copied(self, twin: Any, how: str) -> Mapping[str, Any]:
        """What a copy of the run has otherwise than it should."""
        raise NotImplementedError

    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        vars(twin).update(self.copied(twin, how))
        return twin


class _Hearing(MachineRun):
    def heard(self, group: int, old: Hyper, new: Hyper) -> Hyper | None:
        """What is set where a group is told new hyper-parameters; None for nothing."""
        raise NotImplementedError

    def set(self, hyper: Hyper, group: int = 0) -> None:
        heard = self.heard(group, self.hypers[group], hyper)
        if heard is not None:
            super().set(heard, group)


told = Family(RuleRun, "seen_by_rule")
moves = Family(_Choosing, "moves")
misread = Family(_Misreading, "read")
standing = Family(_Standing, "still")
stored = Family(_Storing, "stored")
loaded = Family(_Loading, "loaded")
copied = Family(_Copying, "copied")
heard = Family(_Hearing, "heard")


def places(x: Array) -> NDArray[np.intp]:
    """The number of each element, in the order of reading."""
    return np.arange(x.size, dtype=np.intp).reshape(x.shape)


def states(saved: Saved, change: Any) -> Saved:
    """A saved state with another record for each parameter."""
    return {**saved, "states": {i: change(i, state) for i, state in saved["states"].items()}}
