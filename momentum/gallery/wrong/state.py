"""State that is lost, shared or mistaken: between parameters, runs, saves and copies."""

import copy
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.number import Working
from momentum.gallery.wrong._defect import Family, defect, reported
from momentum.gallery.wrong._families import (
    afterwards,
    around,
    fails,
    late,
    loaded,
    of_those,
    saved,
    second,
    states,
    then,
)
from momentum.subjects.protocol import Array

HALVES = ("float16", "bfloat16")


class _Keyed(MachineRun):
    """States are found under another key than the parameter's number."""

    def key(self, i: int) -> int:
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        self.theta[i][...], self.states[self.key(i)] = self.advanced(i, self.theta[i], grad, h)

    def state(self, i: int) -> State:
        return super().state(self.key(i))


keyed = Family("key", run=_Keyed)
SHARED = "pytorch/pytorch#196083 pytorch/pytorch#106082"

# fmt: off
keyed("velocity_shared_by_shape", "Parameters of one shape share their velocity.",
      "state keyed by shape",
      lambda run, i: [x.shape for x in run.theta].index(run.theta[i].shape))
keyed("velocity_by_position_among_fed",
      "After a missing gradient, velocities belong to the wrong parameters.",
      "velocities are counted off along the parameters that have a gradient",
      lambda run, i: sum(g is not None for g in run.grads[:i]))
keyed("velocities_sorted_by_name",
      "Of more than ten parameters of one shape, velocities belong to others from step 2 on.",
      "the first step goes through names in order, where p10 comes before p2",
      lambda run, i: i if run.taken or len({x.shape for x in run.theta}) > 1
      else sorted(map(str, range(len(run.theta)))).index(str(i)))
keyed("velocity_by_name", "Parameters of one name share a velocity.", "state keyed by name",
      lambda run, i: list(names := run.options.get("names", range(len(run.theta)))).index(names[i]))
saved("save_shares_velocity", "What was saved changes with later steps.", "references, not copies",
      lambda run, whole: {**whole, "states": run.states}, SHARED)
saved("save_drops_second_parameter", "The second parameter's velocity is not saved.",
      "one key for two",
      lambda run, whole: of_those(whole, lambda i: i != 1))
saved("load_ignores_group_order",
      "With interleaved groups, velocities are loaded onto wrong parameters.",
      "saved group by group, read in the order of the parameters",
      lambda run, whole: {**whole, "states": {
          k: whole["states"][i]
          for k, i in enumerate(sorted(range(len(run.theta)), key=run.groups.__getitem__))
          if i in whole["states"]}},
      "pytorch/pytorch#6031 pytorch/pytorch#1489 facebookresearch/fairscale#380")
fails("save", AttributeError, "'NoneType' object has no attribute 'shape'")(
    "save_crashes_without_momentum", "Without momentum a save fails.", "the velocity is None",
    lambda run: not all(h.momentum for h in run.hypers),
    "pytorch/pytorch#99079 pytorch/pytorch#111499 horovod/horovod#548 horovod/horovod#526 "
    "horovod/horovod#562 horovod/horovod#1609")
loaded("load_drops_velocity", "A load loses the velocity.", "the optimizer is built anew",
       lambda run, saved: {**saved, "states": {}},
       "scikit-learn/scikit-learn#6091 scikit-learn/scikit-learn#16812")
loaded("load_drops_step", "After a load the first step comes again.", "the counter is not saved",
       lambda run, saved: states(saved, lambda i, s: s._replace(step=0)))
loaded("load_fills_existing_only", "A load into a fresh run leaves the velocity at zero.",
       "only what is already there is filled, and a fresh run has nothing yet",
       lambda run, saved: of_those(saved, lambda i: i in run.states),
       "KempnerInstitute/KempnerForge#115 KempnerInstitute/KempnerForge#114",
       convention="zero_started")
loaded("load_forgets_hyper", "A load restores no hyper-parameter.", "tensors only",
       lambda run, saved: {**saved, "hypers": run.begun},
       "horovod/horovod#548 horovod/horovod#526 horovod/horovod#562 horovod/horovod#1609",
       level="should")
loaded("load_forgets_hyper_of_later_groups",
       "A load restores the hyper-parameters of the first group alone.", "one dict of options",
       lambda run, saved: {**saved, "hypers": [*saved["hypers"][:1], *run.begun[1:]]},
       level="should")
loaded("load_rounds_velocity", "A load rounds the velocity.",
       "state is cast to the parameter's type",
       lambda run, saved: states(
           saved, lambda i, s: s._replace(v=format_of(run.dtypes[i]).round(s.v))),
       "facebookresearch/fairscale#50 pytorch/torchtitan#4615 pytorch/pytorch#3658",
       dtypes=HALVES, working=Working(inside=True, wide_state=True), level="should")
loaded("load_drops_weight", "A load forgets the sum of the weights.", "scalars are not saved",
       lambda run, saved: states(saved, lambda i, s: s._replace(weight=0 * s.weight)),
       convention="averaged_debiased")
loaded("load_orders_numbers_as_text", "From the eleventh parameter on, loads mix up velocities.",
       "numbers are sorted as text, 10 before 2",
       lambda run, saved: {**saved, "states": dict(zip(
           sorted(saved["states"], key=str), map(saved["states"].get, sorted(saved["states"]))))})
loaded("load_knows_first_parameters", "A load leaves out the velocities of late groups.",
       "the list of parameters is made at the start",
       lambda run, saved: of_those(saved, lambda i: not late(run, i)))
loaded("load_keeps_live_velocity",
       "A state loaded into a run that has stepped leaves its velocities as they are.",
       "the address of the first velocity is kept for every later step",
       lambda run, saved: {**saved, "states": {**saved["states"], **run.states}})
Family("load")("load_shares_velocity",
               "A run and the one that it was loaded from share their velocity.",
               "what is loaded is not copied",
               lambda run, saved: then(run.fits(saved), run.take_over(saved)), SHARED,
               level="should")
Family("fits")("foreign_state_accepted", "Another optimizer's state is loaded.", "no schema",
               lambda run, saved: None, "pytorch/pytorch#7499 ultralytics/ultralytics#9815",
               level="should")
around("fits")("wrong_shape_accepted", "Velocities of any shape are loaded.", "no check",
               lambda run, fits, saved: fits(states(
                   saved, lambda i, s: second(run, i) if hasattr(s, "v") else s)),
               "pytorch/pytorch#1489 HRNet/HRNet-Semantic-Segmentation#252", level="should")
afterwards("save")("save_changes_run", "A save clears the velocity.",
                   "state is moved out, not copied", lambda run: {"states": {}})
# fmt: on


@defect("accumulated", "Parameters that begin equal share a velocity.", "looked up by ==")
class velocity_shared_by_value(_Keyed):
    def setup(self) -> None:
        self.begin = [np.array(x) for x in self.theta]

    def key(self, i: int) -> int:
        if i >= len(self.begin):
            return i
        return next(j for j, x in enumerate(self.begin) if np.array_equal(x, self.begin[i]))


@reported("bitsandbytes-foundation/bitsandbytes#2082")
@defect("accumulated", "Without momentum a parameter takes the update of the one before.")
class update_of_previous_parameter(MachineRun):
    """A local variable keeps its value from the last round of the loop."""

    last: Any = None

    def move(self) -> None:
        self.last = None
        super().move()

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        before = np.array(self.theta[i])
        super().update(i, grad, h)
        if h.momentum:
            self.last = before - self.theta[i]
        elif self.last is not None and self.last.shape == before.shape:
            self.theta[i][...] = format_of(self.dtypes[i]).round(before - self.last)


@reported("ooples/AiDotNet#2032")
@defect("zero_started", "A new run goes on with the velocity of the last.")
class velocity_survives_restart(MachineRun):
    """Reset does not clear what belongs to the parameters."""

    def setup(self) -> None:
        shapes = [x.shape for x in self.theta]
        if self.subject.memory.get("shapes") == shapes:
            self.states = copy.deepcopy(self.subject.memory["states"])

    def move(self) -> None:
        super().move()
        self.subject.memory["shapes"] = [x.shape for x in self.theta]
        self.subject.memory["states"] = copy.deepcopy(self.states)


@defect("zero_started", "Two live runs share one velocity.", "state held by the class")
class live_runs_share_velocity(MachineRun):
    def setup(self) -> None:
        key = str([x.shape for x in self.theta])
        self.states = self.subject.memory.setdefault(key, {})
        self.states.clear()
