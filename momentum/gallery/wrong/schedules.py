"""Wrong reactions to hyper-parameters that change: captured, late, compounding."""

from collections.abc import Sequence

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.run_state import Saved
from momentum.gallery.wrong import _terms as terms
from momentum.gallery.wrong._defect import Family, Method, defect, family, reported, wrong_rule
from momentum.gallery.wrong._families import (
    before,
    fails,
    heard,
    moves,
    reweighed,
    scheduled,
    told,
)
from momentum.subjects.protocol import Array


def _factors(run: MachineRun) -> Sequence[float]:
    """What the scheduler multiplies the rate by, step by step."""
    return run.options.get("scheduler") or (1.0,)


def _compounded(run: MachineRun) -> float:
    """The product of its factors up to now."""
    factors = _factors(run)
    return float(np.prod([factors[min(t, len(factors) - 1)] for t in range(run.taken + 1)]))


captured = Family("hyper", lambda name, run, hyper, i: hyper(i)._replace(
    **{name: getattr(run.begun[run.groups[i]], name)}))  # fmt: skip
"""One hyper-parameter stays what it was at the start."""


@family("update")
def belated(name: str, run: MachineRun, update: Method, i: int, grad: Array, h: Hyper) -> None:
    """One hyper-parameter is that of the step before."""
    before = run.aside.get(i, h)
    update(i, grad, h._replace(**{name: getattr(before, name)}))
    run.aside[i] = h


SCHEDULED = (
    "pytorch/pytorch#20400 pytorch/pytorch#19003 pytorch/pytorch#20997 pytorch/pytorch#53712"
)

# fmt: off
captured("lr_captured_at_start", "A change of lr has no effect.", "captured at construction", "lr",
         "deeplearning4j/deeplearning4j#2317 deeplearning4j/nd4j#390 "
         "deeplearning4j/deeplearning4j#1707")
captured("momentum_captured_at_start", "A change of momentum has no effect.",
         "captured at construction", "momentum", "deeplearning4j/deeplearning4j#1707")
captured("decay_captured_at_start", "A change of weight decay has no effect.",
         "captured at construction", "weight_decay")
captured("dampening_captured_at_start", "A change of dampening has no effect.",
         "captured at construction", "dampening")
told("decay_off_at_start_stays_off", "A decay of 0 stays 0.",
     "whether there is decay is asked at construction",
     lambda run, i, h: h if run.begun[run.groups[i]].weight_decay
     else h._replace(weight_decay=0.0))
belated("lr_one_step_late", "lr changes one step late.", "read after the step", "lr")
belated("momentum_one_step_late", "momentum changes one step late.", "read after the step",
        "momentum")
heard("set_once_only", "Only the first change is heard.", "a compiled step keeps what it saw",
      lambda run, g, old, new: None if g in run.aside else run.aside.setdefault(g, new))
before("set")("set_clears_velocity", "Setting anything clears all velocities.",
              "set() calls the constructor", lambda run, hyper, group=0: {"states": {}})
before("set")("velocity_cleared_on_lr_change", "A change of lr clears the velocity.",
              "the optimizer is built anew for every lr",
              lambda run, hyper, group=0: {} if hyper.lr == run.hypers[group].lr else {
                  "states": {i: s for i, s in run.states.items() if run.groups[i] != group}},
              "pytorch/tutorials#61")
heard("set_accumulates_lr", "lr can only fall.", "the least so far is kept",
      lambda run, g, old, new: new._replace(lr=min(new.lr, old.lr)))
heard("tensor_lr_goes_stale", "A new value for a tensor lr is not heard.",
      "the tensor was replaced by another one",
      lambda run, g, old, new: new._replace(lr=run.begun[g].lr)
      if run.options.get("tensor_lr") else new,
      "deepspeedai/DeepSpeed#8202")
told("tensor_lr_in_half", "A tensor lr is rounded to bfloat16.",
     "hyper-parameters take on a low-precision type",
     lambda run, i, h: h._replace(lr=float(format_of("bfloat16").round(h.lr)))
     if run.options.get("tensor_lr") else h,
     "google-deepmind/optax#1405 google-deepmind/optax#1445",
     dtypes=("float64", "float32", "float16"))
scheduled("scheduler_one_step_late", "The scheduler is one step late.",
          "it steps before the optimizer reads",
          lambda run, g: float(_factors(run)[min(max(run.taken - 1, 0), len(_factors(run)) - 1)]))
scheduled("scheduler_count_saturates", "After 127 steps the scheduler stands still.",
          "steps are counted in eight bits",
          lambda run, g: float(_factors(run)[min(run.taken, 127, len(_factors(run)) - 1)]))
scheduled("scheduler_first_group_only", "The scheduler reaches the first group only.", "groups[0]",
          lambda run, g: MachineRun.factor(run, g) if g == 0 else 1.0)
scheduled("scheduler_compounds", "A constant factor of the scheduler shrinks lr ever more.",
          "lr is scaled from its last value, not from its first",
          lambda run, g: _compounded(run))
scheduled("scheduler_compounds_tensor_lr",
          "With a tensor as lr the scheduler's factors multiply up.",
          "initial_lr is the very tensor that is filled",
          lambda run, g: _compounded(run) if run.options.get("tensor_lr")
          else MachineRun.factor(run, g),
          "pytorch/pytorch#126854 pytorch/pytorch#127190 pytorch/pytorch#123753 "
          "pytorch/pytorch#162359 pytorch/pytorch#162360 pytorch/pytorch#163120")
fails("factor", KeyError, "momentum")(
    "scheduler_needs_momentum", "A scheduler fails without momentum.",
    "it reads a key that groups without momentum lack",
    lambda run, g: run.options.get("scheduler") and not run.hypers[g].momentum, SCHEDULED)
fails("factor", IndexError, "list index out of range")(
    "late_group_breaks_scheduler", "A scheduler fails after a group was added.",
    "lists of one entry a group, made at construction",
    lambda run, g: run.options.get("scheduler") and g >= len(run.given), SCHEDULED,
    level="should")
moves("zero_lr_skips_velocity", "With lr 0 the velocity is not fed.", "the step is left out",
      lambda run, i, g, h: h.lr)
wrong_rule("velocity_not_fed_at_zero_momentum",
           "With momentum 0 the velocity keeps a value from long ago.",
           "without momentum the velocity is passed by",
           terms.left(lambda old, new, h: new if h.momentum else new._replace(v=old.v),
                      "zero_started"), convention="zero_started", level="should")
wrong_rule("previous_kept_at_zero_momentum",
           "With momentum 0 the iterate before stays the one from long ago.",
           "without momentum it is not needed",
           terms.left(lambda old, new, h: new if h.momentum else new._replace(v=old.v),
                      "two_point"), convention="two_point")
wrong_rule("velocity_dropped_at_zero_momentum", "After momentum 0 there is no velocity.",
           "a state is kept where it is used",
           terms.left(lambda old, new, h: new if h.momentum
                      else new._replace(step=0, v=0 * new.v)))
# fmt: on


@defect("scaled", "A change of lr rescales the velocity.")
class velocity_rescaled_on_lr_change(MachineRun):
    """Momentum correction (Goyal et al. 2017) that nobody asked for."""

    def set(self, hyper: Hyper, group: int = 0) -> None:
        ratio = hyper.lr / self.hypers[group].lr if self.hypers[group].lr else 1.0
        for i in self.states:
            if self.groups[i] == group:
                self.states[i] = reweighed(self, i, ratio)
        super().set(hyper, group)


@reported("NVIDIA/apex#766")
@defect("accumulated", "After a load, changes have no effect.")
class lr_dead_after_load(MachineRun):
    """A wrapper keeps the list of groups that load replaced."""

    dead = False

    def take_over(self, saved: Saved) -> None:
        super().take_over(saved)
        self.dead = True

    def set(self, hyper: Hyper, group: int = 0) -> None:
        if not self.dead:
            super().set(hyper, group)
