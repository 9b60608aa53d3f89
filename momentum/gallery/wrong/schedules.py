"""Wrong reactions to hyper-parameters that change: captured, late, compounding."""

from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RULE, Moved, RuleRun, defect, reported
from momentum.subjects.protocol import Array

X = Any


class _Captured(RuleRun):
    """One hyper-parameter stays what it was at the start."""

    name: str

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(**{self.name: getattr(self.begun[self.groups[i]], self.name)})


@reported(
    "deeplearning4j/deeplearning4j#2317 deeplearning4j/nd4j#390 deeplearning4j/deeplearning4j#1707"
)
@defect("accumulated", "A change of lr has no effect.", "captured at construction")
class lr_captured_at_start(_Captured):
    name = "lr"


@reported("deeplearning4j/deeplearning4j#1707")
@defect("accumulated", "A change of momentum has no effect.", "captured at construction")
class momentum_captured_at_start(_Captured):
    name = "momentum"


@defect("accumulated", "A change of weight decay has no effect.", "captured at construction")
class decay_captured_at_start(_Captured):
    name = "weight_decay"


@defect("accumulated", "A decay of 0 stays 0.", "whether there is decay is asked at construction")
class decay_off_at_start_stays_off(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        begun = self.begun[self.groups[i]].weight_decay
        return h if begun else h._replace(weight_decay=0.0)


@defect("accumulated", "A change of dampening has no effect.", "captured at construction")
class dampening_captured_at_start(_Captured):
    name = "dampening"


class _Late(MachineRun):
    """One hyper-parameter of the step before."""

    name: str

    def setup(self) -> None:
        self.last: dict[int, Any] = {}

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        now = getattr(h, self.name)
        super().update(i, grad, h._replace(**{self.name: self.last.get(i, now)}))
        self.last[i] = now


@defect("accumulated", "lr changes one step late.", "read after the step")
class lr_one_step_late(_Late):
    name = "lr"


@defect("accumulated", "momentum changes one step late.", "read after the step")
class momentum_one_step_late(_Late):
    name = "momentum"


@reported("pytorch/tutorials#61")
@defect("accumulated", "A change of lr clears the velocity.")
class velocity_cleared_on_lr_change(MachineRun):
    """The optimizer is built anew for every lr."""

    def set(self, hyper: Hyper, group: int = 0) -> None:
        if hyper.lr != self.hypers[group].lr:
            self.states = {i: s for i, s in self.states.items() if self.groups[i] != group}
        super().set(hyper, group)


@defect("scaled", "A change of lr rescales the velocity.")
class velocity_rescaled_on_lr_change(MachineRun):
    """Momentum correction (Goyal et al. 2017) that nobody asked for."""

    def set(self, hyper: Hyper, group: int = 0) -> None:
        ratio = hyper.lr / self.hypers[group].lr if self.hypers[group].lr else 1.0
        for i, state in self.states.items():
            if self.groups[i] == group:
                round = format_of(self.dtypes[i]).round
                self.states[i] = state._replace(v=round(state.v * ratio))
        super().set(hyper, group)


@defect("accumulated", "Setting anything clears all velocities.", "set() calls the constructor")
class set_clears_velocity(MachineRun):
    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.states = {}
        super().set(hyper, group)


@defect("accumulated", "Only the first change is heard.", "a compiled step keeps what it saw")
class set_once_only(MachineRun):
    def setup(self) -> None:
        self.heard: set[int] = set()

    def set(self, hyper: Hyper, group: int = 0) -> None:
        if group not in self.heard:
            super().set(hyper, group)
        self.heard.add(group)


@defect("accumulated", "lr can only fall.", "the least so far is kept")
class set_accumulates_lr(MachineRun):
    def set(self, hyper: Hyper, group: int = 0) -> None:
        super().set(hyper._replace(lr=min(hyper.lr, self.hypers[group].lr)), group)


@reported("NVIDIA/apex#766")
@defect("accumulated", "After a load, changes have no effect.")
class lr_dead_after_load(MachineRun):
    """A wrapper keeps the list of groups that load replaced."""

    dead = False

    def take_over(self, saved: dict[str, Any]) -> None:
        super().take_over(saved)
        self.dead = True

    def set(self, hyper: Hyper, group: int = 0) -> None:
        if not self.dead:
            super().set(hyper, group)


class _Compounding(MachineRun):
    """Factors of the scheduler multiply up."""

    def factor(self, group: int) -> float:
        factors = self.options.get("scheduler") or (1.0,)
        taken = [factors[min(t, len(factors) - 1)] for t in range(self.taken + 1)]
        return float(np.prod(taken))


@defect("accumulated", "A constant factor of the scheduler shrinks lr ever more.")
class scheduler_compounds(_Compounding):
    """Lr is scaled from its last value, not from its first."""


@reported(
    "pytorch/pytorch#126854 pytorch/pytorch#127190 pytorch/pytorch#123753 "
    "pytorch/pytorch#162359 pytorch/pytorch#162360 pytorch/pytorch#163120"
)
@defect("accumulated", "With a tensor as lr the scheduler's factors multiply up.")
class scheduler_compounds_tensor_lr(_Compounding):
    """Initial_lr is the very tensor that is filled."""

    def factor(self, group: int) -> float:
        tensor = self.options.get("tensor_lr")
        return super().factor(group) if tensor else MachineRun.factor(self, group)


@defect("accumulated", "The scheduler is one step late.", "it steps before the optimizer reads")
class scheduler_one_step_late(MachineRun):
    def factor(self, group: int) -> float:
        factors = self.options.get("scheduler")
        return float(factors[min(max(self.taken - 1, 0), len(factors) - 1)]) if factors else 1.0


@defect("accumulated", "The scheduler reaches the first group only.", "groups[0]")
class scheduler_first_group_only(MachineRun):
    def factor(self, group: int) -> float:
        return super().factor(group) if group == 0 else 1.0


@reported("pytorch/pytorch#20400 pytorch/pytorch#19003 pytorch/pytorch#20997 pytorch/pytorch#53712")
@defect("accumulated", "A scheduler fails without momentum.")
class scheduler_needs_momentum(MachineRun):
    """It reads a key that groups without momentum lack."""

    def factor(self, group: int) -> float:
        if self.options.get("scheduler") and not self.hypers[group].momentum:
            raise KeyError("momentum")
        return super().factor(group)


@reported("pytorch/pytorch#20400 pytorch/pytorch#19003 pytorch/pytorch#20997 pytorch/pytorch#53712")
@defect("accumulated", "A scheduler fails after a group was added.", level="should")
class late_group_breaks_scheduler(MachineRun):
    """Lists of one entry a group, made at construction."""

    def setup(self) -> None:
        self.known = len(self.hypers)

    def factor(self, group: int) -> float:
        if self.options.get("scheduler") and group >= self.known:
            raise IndexError("list index out of range")
        return super().factor(group)


@reported("deepspeedai/DeepSpeed#8202")
@defect("accumulated", "A new value for a tensor lr is not heard.")
class tensor_lr_goes_stale(MachineRun):
    """The tensor was replaced by another one."""

    def set(self, hyper: Hyper, group: int = 0) -> None:
        stale = self.options.get("tensor_lr")
        super().set(hyper._replace(lr=self.begun[group].lr) if stale else hyper, group)


@reported("google-deepmind/optax#1405 google-deepmind/optax#1445")
@defect(
    "accumulated", "A tensor lr is rounded to bfloat16.", dtypes=("float64", "float32", "float16")
)
class tensor_lr_in_half(RuleRun):
    """Hyper-parameters take on a low-precision type."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        tensor = self.options.get("tensor_lr")
        return h._replace(lr=float(format_of("bfloat16").round(h.lr))) if tensor else h


@defect("accumulated", "With lr 0 the velocity is not fed.", "the step is left out")
class zero_lr_skips_velocity(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if h.lr:
            super().update(i, grad, h)


@defect("zero_started", "With momentum 0 the velocity keeps a value from long ago.", level="should")
def velocity_not_fed_at_zero_momentum(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """Without momentum the velocity is passed by."""
    moved, new = RULE["zero_started"](theta, grad, state, h)
    return moved, new if h.momentum else new._replace(v=state.v)


@defect("accumulated", "After momentum 0 there is no velocity.", "a state is kept where it is used")
def velocity_dropped_at_zero_momentum(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["accumulated"](theta, grad, state, h)
    return moved, new if h.momentum else new._replace(step=0, v=0 * new.v)
