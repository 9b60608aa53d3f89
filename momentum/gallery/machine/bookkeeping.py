"""Right ways to keep parameters and velocities that look different."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, State, get
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.number import hypers
from momentum.gallery.machine.run_state import Saved
from momentum.subjects.protocol import Array


class FlatBuffer(MachineRun):
    """Parameters and velocities of one kind are views of one buffer and updated at once."""

    def move(self) -> None:
        together: dict[Any, list[int]] = {}
        for i, grad in enumerate(self.grads):
            held = self.states.get(i)
            if grad is not None:
                key = (self.groups[i], self.dtypes[i], held.step if held else 0)
                together.setdefault(key, []).append(i)
        with np.errstate(all="ignore"):
            for members in together.values():
                self._at_once(members)
        self.taken += 1

    def _at_once(self, members: list[int]) -> None:
        first, initial = members[0], self.subject.convention.initial

        def flat(arrays: Iterable[Array]) -> Array:
            return np.concatenate([np.reshape(x, -1) for x in arrays])

        own = self.states.get(first)
        if own is not None:
            v = flat(self.states[i].v for i in members)
            self.states[first] = own._replace(v=v)
        theta, state = self.advanced(
            first,
            flat(self.theta[i] for i in members),
            flat(self.grads[i] for i in members),
            self.hyper(first),
        )
        begin = 0
        for i in members:
            size, shape = self.theta[i].size, self.theta[i].shape
            part = slice(begin, begin + size)
            self.theta[i][...] = theta[part].reshape(shape)
            self.states[i] = type(initial)(state.step, state.v[part].reshape(shape))
            begin += size


class AllocatedAtStart(MachineRun):
    """Velocities of zeros are there from the start."""

    def setup(self) -> None:
        for i, x in enumerate(self.theta):
            self.states[i] = State(0, np.zeros(x.shape))


class AllVelocitiesFirst(MachineRun):
    """First all parameters' steps are computed, then all are stored."""

    def move(self) -> None:
        with np.errstate(all="ignore"):
            results = {
                i: self.advanced(i, self.theta[i], grad, self.hyper(i))
                for i, grad in enumerate(self.grads)
                if grad is not None
            }
        for i, (theta, state) in results.items():
            self.theta[i][...] = theta
            self.states[i] = state
        self.taken += 1


class _Beside(MachineRun):
    """What is kept of each parameter aside is saved with parameter and velocity."""

    def live(self) -> Saved:
        return {**super().live(), "aside": self.aside}

    def fits(self, saved: Saved) -> None:
        super().fits({n: x for n, x in saved.items() if n != "aside"})

    def take_over(self, saved: Saved) -> None:
        super().take_over(saved)
        self.aside = saved["aside"]


class VelocityWithoutLr(_Beside):
    """The velocity is stored as v / lr and brought to today's lr by lr_old / lr."""

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, State]:
        round, held = format_of(self.dtypes[i]).round, self.state(i)
        if not h.lr:  # nothing is added to v, which goes on in units of the last lr
            grad, h = np.zeros_like(grad), h._replace(lr=self.aside.get(i, 1.0), weight_decay=0)
        ratio = self.aside.get(i, h.lr) / h.lr
        self.states[i] = held._replace(v=round(held.v * ratio) if held.step else held.v)
        self.aside[i] = h.lr
        working, dtype = self.subject.working, self.dtypes[i]
        moved, state = get("zero_started").step(
            working.number(theta, dtype),
            working.number(grad, dtype),
            self.states[i]._replace(v=working.number(self.states[i].v, dtype)),
            hypers(working, h, dtype),
        )
        return np.asarray(round(moved.value)), state._replace(v=round(state.v.value))


class Master(_Beside):
    """A float32 copy of half-precision parameters is trained; the parameter shows it rounded."""

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        own, self.dtypes[i] = self.dtypes[i], "float32"
        round, master = format_of(own).round, self.aside.get(i, self.theta[i])
        # What somebody else has written into the parameter since is no rounding of the copy.
        held = np.where(round(master) == self.theta[i], master, self.theta[i])
        self.aside[i], self.states[i] = self.advanced(i, held, grad, h)
        self.dtypes[i] = own
        self.theta[i][...] = round(self.aside[i])


class Compensated(_Beside):
    """What rounding cuts off the parameter is kept and added at the next step (Kahan 1965)."""

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        round, before = format_of(self.dtypes[i]).round, np.array(self.theta[i])
        moved, self.states[i] = self.advanced(i, np.zeros(before.shape), grad, h)
        update = round(moved + self.aside.get(i, 0.0))
        self.theta[i][...] = round(before + update)
        self.aside[i] = round(update - (self.theta[i] - before))
