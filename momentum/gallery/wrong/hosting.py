"""Wrong towards the program around: memory that moves, hooks, schedules, settings, threads."""

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from momentum.conventions import Hyper, State
from momentum.gallery.machine.hosting import T
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import Family, defect
from momentum.gallery.wrong._families import afterwards, before, misread
from momentum.subjects.protocol import Array

IMAGINARY = np.array([False, True])
"""Which numbers along the last axis of complex parameters are imaginary parts."""

hooked = Family("between")
clearing = Family("zero_grad")
glancing = Family("glances")
counting = Family("versions")
differentiated = Family("_slope")
joining = Family("add_group")
scheduled = Family("factor")

# fmt: off
hooked("hooks_not_called", "Hooks are never called.", "step is marked as hooked already",
       lambda run, hook, step: step())
hooked("hook_called_before_moving", "The last hook is called before the step.",
       "hooks run one after the other",
       lambda run, hook, step: (hook("before"), hook("after"), step()))
clearing("zero_grad_always_none", "Gradients are always cleared to None.",
         "the argument is not read", lambda run, to_none: MachineRun.zero_grad(run, True))
glancing("showing_clears_velocity", "Showing the optimizer clears the velocity.",
         "what shows it sets it up", lambda run: {"repr": run.states.clear})
counting("writes_without_a_version", "A step is no counted write.", "data is written directly",
         lambda run: [0] * len(run.theta), level="should")
differentiated("tape_loses_velocity", "The derivative leaves out the velocity.",
               "the state is detached",
               lambda run, fed, t, i: MachineRun._slope(run, fed[: t + 1], t, i))
joining("late_group_without_defaults", "A late group without options has rate 0.",
        "defaults are not filled in",
        lambda run, parameters, h: MachineRun.add_group(
            run, parameters, Hyper(0.0) if h is None else h))
misread("imaginary_part_skipped", "Imaginary parts have no gradient.", "a cast to a real number",
        lambda run, i, g: np.where(IMAGINARY, 0.0, g) if run.options.get("complex") else g)
misread("complex_gradient_conjugated", "Complex gradients are conjugated.",
        "two conventions of the derivative",
        lambda run, i, g: np.where(IMAGINARY, -g, g) if run.options.get("complex") else g)
scheduled("own_schedule_ignored", "A schedule of the framework does nothing.",
          "the rate is read at the start",
          lambda run, g: 1.0 if "schedule" in run.options else MachineRun.factor(run, g))
before("move")("random_numbers_drawn", "A step draws random numbers.",
               "a seed for each kernel, used or not", lambda run: random.random())
afterwards("zero_grad")("zero_grad_clears_velocity",
                        "Clearing gradients into zeros clears the velocity.", "all that is kept",
                        lambda run, to_none: None if to_none else run.states.clear())
# fmt: on


class _Remembering(MachineRun):
    """Memory that the parameters had at their first step."""

    def setup(self) -> None:
        self.first: dict[int, Array] = {}

    def memory(self, i: int) -> Array:
        return self.first.setdefault(i, self.theta[i])


@defect("accumulated", "Updates go into the first step's memory.", "addresses are kept")
class writes_into_first_memory(_Remembering):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        moved, self.states[i] = self.advanced(i, self.theta[i], grad, h)
        self.memory(i)[...] = moved


@defect("accumulated", "Decay is read from the first step's memory.", "addresses are kept")
class reads_from_first_memory(_Remembering):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        before = np.array(self.theta[i])
        seen = np.array(self.memory(i))
        moved, self.states[i] = self.advanced(i, seen, grad, h)
        self.theta[i][...] = moved if np.array_equal(seen, before) else before + (moved - seen)


@defect("accumulated", "A format given before the first step is not seen.", "it is read once")
class format_of_the_start_kept(MachineRun):
    def recast(self, dtype: str) -> None:
        kept = self.dtypes
        super().recast(dtype)
        self.dtypes = kept


@defect("accumulated", "Hooks are called twice.", "step is wrapped once by each class")
class hooks_called_twice(MachineRun):
    def between(self, hook: Callable[[str], None], step: Callable[[], None]) -> None:
        super().between(hook, lambda: super(hooks_called_twice, self).between(hook, step))


@defect("accumulated", "Only the first group's gradients are cleared.", "groups[0]")
class zero_grad_first_group_only(MachineRun):
    def zero_grad(self, to_none: bool) -> None:
        kept = list(self.grads)
        super().zero_grad(to_none)
        self.grads = [g if self.groups[i] else self.grads[i] for i, g in enumerate(kept)]


@defect("accumulated", "A late group's gradients are not cleared.", "the list is made once")
class zero_grad_forgets_late_group(MachineRun):
    def setup(self) -> None:
        self.known = len(self.theta)

    def zero_grad(self, to_none: bool) -> None:
        late = self.grads[self.known :]
        super().zero_grad(to_none)
        self.grads[self.known :] = late


@defect("accumulated", "The derivative by the first gradient is 0.", level="should")
class tape_without_first_gradient(MachineRun):
    """The first velocity is a detached copy of the gradient."""

    def slopes(self) -> list[list[Array]]:
        first, *rest = super().slopes()
        return [[np.zeros(x.shape) for x in first], *rest]


@defect("accumulated", "Warnings are off for good after an empty step.", "an early return")
class error_handling_left_off(MachineRun):
    def move(self) -> None:
        before = np.seterr(all="ignore")
        if all(g is None for g in self.grads):
            return
        super().move()
        np.seterr(**before)


@defect("accumulated", "All runs compute in one scratch array.", "it belongs to the class")
class scratch_shared_by_all_runs(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        shared, place = self.subject.memory, str(grad.shape)
        shared[place] = self.advanced(i, self.theta[i], grad, h)
        moved, state = shared[place]
        self.theta[i][...] = moved
        self.states[i] = state


@defect("accumulated", "In another thread the velocity begins anew.", "thread-local state")
class velocity_kept_by_thread(MachineRun):
    def setup(self) -> None:
        self.owner: dict[int, int] = {}

    def state(self, i: int) -> State:
        mine = self.owner.get(i) == threading.get_ident()
        return super().state(i) if mine else self.subject.convention.initial

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        self.owner[i] = threading.get_ident()


@defect("accumulated", "Parameters of one name share a velocity.", "state keyed by name")
class velocity_by_name(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        names = self.options.get("names", range(len(self.theta)))
        first = list(names).index(names[i])
        if first in self.states:
            self.states[i] = self.states[first]
        super().update(i, grad, h)
        self.states[first] = self.states[i]


@defect("accumulated", "A schedule of the framework comes a step late.", "counted after the step")
class own_schedule_one_step_late(MachineRun):
    def factor(self, group: int) -> float:
        kept = self.taken
        if "schedule" in self.options:
            self.taken = max(0, self.taken - 1)
        found = super().factor(group)
        self.taken = kept
        return found


@defect("accumulated", "A tensor rate put in another's place is not read.", "the first one is kept")
class tensor_lr_kept_when_replaced(MachineRun):
    def setup(self) -> None:
        self.kept: list[Hyper] = []

    def replace_rates(self) -> None:
        self.kept = self.kept or list(self.hypers)

    def hyper(self, i: int) -> Hyper:
        h = super().hyper(i)
        return h._replace(lr=self.kept[self.groups[i]].lr) if self.kept else h


@defect("accumulated", "A gradient in the memory of the last is none.", "told by its address")
class same_gradient_memory_skipped(MachineRun):
    def setup(self) -> None:
        self.seen: dict[int, Any] = {}

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if self.seen.get(i) is not grad:
            super().update(i, grad, h)
        self.seen[i] = grad


@defect("accumulated", "What a gradient's memory held first is used for good.", "read once")
class gradient_read_once(MachineRun):
    def setup(self) -> None:
        self.seen: dict[int, tuple[Any, Array]] = {}

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if i not in self.seen or self.seen[i][0] is not grad:
            self.seen[i] = grad, np.array(grad)
        super().update(i, self.seen[i][1], h)


@defect("accumulated", "A state in a file cannot be read.", "it holds objects", level="should")
class state_is_no_data(MachineRun):
    def through_file(self, saved: T) -> T:
        raise ValueError("wanted data only, found an object")
