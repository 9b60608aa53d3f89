"""Wrong towards the program around: memory that moves, hooks, schedules, settings, threads."""

import decimal
import os
import random
import threading
import warnings
from collections.abc import Mapping

import numpy as np

from momentum.conventions import Hyper, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import Family, Method, defect, family
from momentum.gallery.wrong._families import (
    afterwards,
    around,
    before,
    fails,
    late,
    misread,
    scheduled,
)
from momentum.subjects.protocol import Array, Gradient

IMAGINARY = np.array([False, True])
"""Which numbers along the last axis of complex parameters are imaginary parts."""

hooked = Family("between")


@family("zero_grad")
def uncleared(left: Method, run: MachineRun, zero_grad: Method, to_none: bool) -> None:
    """Some gradients are not cleared."""
    held = list(run.grads)
    zero_grad(to_none)
    run.grads = [g if left(run, i) else run.grads[i] for i, g in enumerate(held)]


# fmt: off
hooked("hooks_not_called", "Hooks are never called.", "step is marked as hooked already",
       lambda run, hook, step: step())
hooked("hook_called_before_moving", "The last hook is called before the step.",
       "hooks run one after the other",
       lambda run, hook, step: (hook("before"), hook("after"), step()))
hooked("hooks_called_twice", "Hooks are called twice.", "step is wrapped once by each class",
       lambda run, hook, step: MachineRun.between(
           run, hook, lambda: MachineRun.between(run, hook, step)))
hooked("hooks_called_for_each_group", "Hooks are called once for each group.",
       "every group takes its step by itself",
       lambda run, hook, step: (*map(hook, ["before"] * len(run.hypers)), step(),
                                *map(hook, ["after"] * len(run.hypers))))
hooked("hooks_not_called_with_closure", "Hooks are not called where there is a closure.",
       "two ways through a step, and one of them is hooked",
       lambda run, hook, step: step() if run.way else MachineRun.between(run, hook, step))
uncleared("zero_grad_first_group_only", "Only the first group's gradients are cleared.",
          "groups[0]", lambda run, i: run.groups[i])
uncleared("zero_grad_forgets_late_group", "A late group's gradients are not cleared.",
          "the list is made once", late)
uncleared("zero_grad_of_those_first_cleared", "What came after the first clearing is not cleared.",
          "the list is made when it is first asked for",
          lambda run, i: i >= run.aside.setdefault("cleared", len(run.grads)))
around("zero_grad")("zero_grad_always_none", "Gradients are always cleared to None.",
                    "the argument is not read", lambda run, zero_grad, to_none: zero_grad(True))
Family("glances")("showing_clears_velocity", "Showing the optimizer clears the velocity.",
                  "what shows it sets it up", lambda run: {"repr": run.states.clear})
Family("versions")("writes_without_a_version", "A step is no counted write.",
                   "data is written directly", lambda run: [0] * len(run.theta), level="should")
around("_slope")("tape_loses_velocity", "The derivative leaves out the velocity.",
                 "the state is detached",
                 lambda run, slope, fed, t, i: slope(fed[: t + 1], t, i))
around("slopes")("tape_without_first_gradient", "The derivative by the first gradient is 0.",
                 "the first velocity is a detached copy of the gradient",
                 lambda run, slopes: [[np.zeros(x.shape) for x in run.theta], *slopes()[1:]],
                 level="should")
around("add_group")("late_group_without_defaults", "A late group without options has rate 0.",
                    "defaults are not filled in",
                    lambda run, add, parameters, h: add(parameters, h or Hyper(0.0)))
around("rate_slope")("tape_without_rate", "The derivative by the rate is 0.",
                     "a tensor rate is turned into a number", lambda run, slope: 0.0,
                     level="should")
fails("through_file", ValueError, "wanted data only, found an object")(
    "state_is_no_data", "A state in a file cannot be read.", "it holds objects",
    lambda run, saved: True, level="should")
misread("imaginary_part_skipped", "Imaginary parts have no gradient.", "a cast to a real number",
        lambda run, i, g: np.where(IMAGINARY, 0.0, g) if run.options.get("complex") else g)
misread("complex_gradient_conjugated", "Complex gradients are conjugated.",
        "two conventions of the derivative",
        lambda run, i, g: np.where(IMAGINARY, -g, g) if run.options.get("complex") else g)
scheduled("own_schedule_ignored", "A schedule of the framework does nothing.",
          "the rate is read at the start",
          lambda run, g: 1.0 if "schedule" in run.options else MachineRun.factor(run, g))
scheduled("own_schedule_one_step_late", "A schedule of the framework comes a step late.",
          "counted after the step",
          lambda run, g: 0.5 ** max(0, run.taken - 1) if "schedule" in run.options
          else MachineRun.factor(run, g))
before("move")("random_numbers_drawn", "A step draws random numbers.",
               "a seed for each kernel, used or not",
               lambda run: run.aside.update(seed=random.random()))
before("move")("warnings_off_for_good", "A step turns all warnings off.", "its own bother it",
               lambda run: warnings.simplefilter("ignore"))
before("move")("variable_left_set", "A step sets an environment variable.",
               "it tells children how far it is",
               lambda run: os.environ.update(MOMENTUM_STEP=str(run.taken)))
before("move")("decimals_left_short", "A step leaves decimal numbers with few digits.",
               "the step's number is made as long as all others, for a log",
               lambda run: setattr(decimal.getcontext(), "prec", 4 + run.taken))
afterwards("zero_grad")("zero_grad_clears_velocity",
                        "Clearing gradients into zeros clears the velocity.", "all that is kept",
                        lambda run, to_none: {} if to_none else {"states": {}})
# fmt: on


def _first_memory(run: MachineRun, i: int) -> Array:
    """What the parameter had at its first step."""
    memory: Array = run.aside.setdefault(i, run.theta[i])
    return memory


@defect("accumulated", "Updates go into the first step's memory.", "addresses are kept")
class writes_into_first_memory(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        moved, self.states[i] = self.advanced(i, self.theta[i], grad, h)
        _first_memory(self, i)[...] = moved


@defect(
    "accumulated",
    "What the groups hold is not looked at again.",
    "one flat list of them all",
    level="should",
)
class list_of_parameters_kept(MachineRun):
    def regroup(self) -> None:
        self.aside["listed"] = self.theta
        super().regroup()

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        moved, self.states[i] = self.advanced(i, self.theta[i], grad, h)
        self.aside.get("listed", self.theta)[i][...] = moved


@defect("accumulated", "Decay is read from the first step's memory.", "addresses are kept")
class reads_from_first_memory(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        before = np.array(self.theta[i])
        seen = np.array(_first_memory(self, i))
        moved, self.states[i] = self.advanced(i, seen, grad, h)
        self.theta[i][...] = moved if np.array_equal(seen, before) else before + (moved - seen)


@defect("accumulated", "A format given before the first step is not seen.", "it is read once")
class format_of_the_start_kept(MachineRun):
    def recast(self, dtype: str) -> None:
        kept = self.dtypes
        super().recast(dtype)
        self.dtypes = kept


@defect("accumulated", "Another format in a run begins the velocity anew.", "it no longer fits")
class velocity_restarts_in_another_format(MachineRun):
    def recast(self, dtype: str) -> None:
        super().recast(dtype)
        self.states.clear()


@defect("accumulated", "Warnings are off for good after an empty step.", "an early return")
class error_handling_left_off(MachineRun):
    def move(self) -> None:
        before = np.seterr(all="ignore")
        if all(g is None for g in self.grads):
            return
        super().move()
        np.seterr(**before)


@defect("accumulated", "After a step warnings are on, whatever was set before.", "no way back")
class error_handling_left_usual(MachineRun):
    def move(self) -> None:
        np.seterr(all="ignore")
        super().move()
        np.seterr(all="warn", under="ignore")


@defect("accumulated", "All runs compute in one scratch array.", "it belongs to the class")
class scratch_shared_by_all_runs(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        shared, place = self.subject.memory, str(grad.shape)
        shared[place] = self.advanced(i, self.theta[i], grad, h)
        moved, state = shared[place]
        self.theta[i][...] = moved
        self.states[i] = state


@defect("accumulated", "Gradients are cleared by a product with 0.", "inf times 0 is nan")
class zero_grad_times_zero(MachineRun):
    def zero_grad(self, to_none: bool) -> None:
        finite = [None if g is None else np.isfinite(g) for g in self.grads]
        super().zero_grad(to_none)
        for g, number in zip(self.grads, finite):
            if g is not None and number is not None:
                g[~number] = np.nan


@defect("accumulated", "Settings of a step are kept where all runs see them.", "a global")
class settings_shared_by_all_runs(MachineRun):
    def hyper(self, i: int) -> Hyper:
        shared = self.subject.memory
        shared["settings"] = super().hyper(i)
        settings: Hyper = shared["settings"]
        return settings


@defect("accumulated", "In another thread the velocity begins anew.", "thread-local state")
class velocity_kept_by_thread(MachineRun):
    def state(self, i: int) -> State:
        mine = self.aside.get(i) == threading.get_ident()
        return super().state(i) if mine else self.subject.convention.initial

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        self.aside[i] = threading.get_ident()


@defect("accumulated", "A tensor rate put in another's place is not read.", "the first one is kept")
class tensor_lr_kept_when_replaced(MachineRun):
    def replace_rates(self) -> None:
        self.aside.setdefault("kept", list(self.hypers))

    def hyper(self, i: int) -> Hyper:
        h, kept = super().hyper(i), self.aside.get("kept")
        return h._replace(lr=kept[self.groups[i]].lr) if kept else h


@defect("accumulated", "A gradient in the memory of the last is none.", "told by its address")
class same_gradient_memory_skipped(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if self.aside.get(i) is not grad:
            super().update(i, grad, h)
        self.aside[i] = grad


@defect(
    "accumulated",
    "A gradient that was not touched since the last step is none.",
    "told by its address and its version",
)
class same_gradient_object_skipped(MachineRun):
    def again(self) -> None:
        pass


@defect(
    "accumulated",
    "Of parameters with one gradient the last alone moves.",
    "the work is kept by gradient",
)
class one_gradient_steps_the_last_only(MachineRun):
    def move(self) -> None:
        last = {id(g): i for i, g in enumerate(self.grads)}
        self.grads = [g if last[id(g)] == i else None for i, g in enumerate(self.grads)]
        super().move()


@defect(
    "accumulated",
    "Gradients that come by name are taken in the order that they come in.",
    "zip of two dicts' values",
)
class named_gradients_taken_by_place(MachineRun):
    def by_name(self, gradients: Mapping[int, Gradient]) -> list[Gradient]:
        return list(gradients.values())


@defect("accumulated", "What a gradient's memory held first is used for good.", "read once")
class gradient_read_once(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if i not in self.aside or self.aside[i][0] is not grad:
            self.aside[i] = grad, np.array(grad)
        super().update(i, self.aside[i][1], h)
