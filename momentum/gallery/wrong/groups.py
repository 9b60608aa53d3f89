"""Groups that are mixed up, and gradients that are missing, sparse or of an odd shape."""

import numpy as np

from momentum.conventions import Hyper, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import Family, Method, defect, family
from momentum.gallery.wrong._families import (
    absent,
    afterwards,
    around,
    counted,
    fails,
    heard,
    late,
    misread,
    moves,
    of_those,
    reweighed,
    saved,
    told,
)
from momentum.subjects.protocol import Array


@family("advanced")
def resting(
    still: Method, run: MachineRun, advanced: Method, i: int, theta: Array, grad: Array, h: Hyper
) -> tuple[Array, State]:
    """Elements keep parameter and velocity, by their gradient."""
    held, (moved, state) = run.state(i), advanced(i, theta, grad, h)
    rests = still(run, grad)
    return np.where(rests, theta, moved), state._replace(v=np.where(rests, held.v, state.v))


def _like(run: MachineRun, i: int, *names: str) -> Hyper:
    """The first group that is alike in these names."""
    own = run.hypers[run.groups[i]]
    return next(h for h in run.hypers if all(getattr(h, n) == getattr(own, n) for n in names))


LAZY = "microsoft/CNTK#2411 apache/mxnet#9177 apache/mxnet#10614 clab/dynet#1009"
joined = afterwards("add_group")

# fmt: off
told("first_group_for_all", "All groups have the first one's hyper-parameters.", "groups[0]",
     lambda run, i, h: run.hypers[0])
told("last_group_for_all", "All groups have the last one's hyper-parameters.",
     "a loop variable leaks", lambda run, i, h: run.hypers[-1])
told("momentum_of_first_group_for_all", "All groups have the first one's momentum.",
     "read outside the loop", lambda run, i, h: h._replace(momentum=run.hypers[0].momentum))
told("groups_merged_by_rate_and_momentum", "Groups of equal lr and momentum are taken for one.",
     "the key is too short", lambda run, i, h: _like(run, i, "lr", "momentum")._replace(lr=h.lr))
told("nesterov_of_first_like_group", "Groups alike but for nesterov have the first one's.",
     "a key without it",
     lambda run, i, h: h._replace(nesterov=_like(
         run, i, *(n for n in Hyper._fields if n != "nesterov")).nesterov))
told("dampening_of_the_group_before", "Groups alike but for dampening have that of the one before.",
     "neighbours are put together, by a key without it",
     lambda run, i, h: before if (before := run.hypers[run.groups[i] - 1])._replace(
         dampening=h.dampening) == h and run.groups[i] else h)
told("late_group_with_hyper_of_first", "A late group has the first one's hyper-parameters.",
     "defaults win", lambda run, i, h: run.hypers[0] if late(run, i) else h)
heard("set_reaches_first_group_only", "Only the first group can be changed.", "groups[0]",
      lambda run, group, old, new: new if group == 0 else None)
moves("late_group_ignored", "A group that is added later does not move.",
      "a list made at the start", lambda run, i, g, h: not late(run, i))
moves("zero_gradient_is_none", "A gradient of zeros counts as missing.", "`if not grad.any()`",
      lambda run, i, g, h: np.any(g != 0))
moves("groups_beyond_16_dropped", "Groups from the 17th on stand still.",
      "a table of fixed length", lambda run, i, g, h: run.groups[i] < 16)
absent("none_is_zero_gradient", "A missing gradient counts as zero.", "`grad or 0`",
       lambda run, i: run.update(i, np.zeros(run.theta[i].shape), run.hyper(i)))
absent("velocity_decays_on_none", "Without a gradient the velocity decays.",
       "momentum applied to all first",
       lambda run, i: i in run.states and run.states.update(
           {i: reweighed(run, i, run.hyper(i).momentum)}))
absent("none_clears_velocity", "Without a gradient the velocity is cleared.",
       "state of the absent goes",
       lambda run, i: i in run.states and run.states.update({i: reweighed(run, i, 0)}))
Family("freeze")("frozen_velocity_dropped", "What is frozen loses its velocity.",
                 "state of the frozen goes",
                 lambda run, i, frozen: run.states.pop(i, None) if frozen else None)
misread("sparse_entries_overwrite", "Sparse entries of one place count once.",
        "the last one is written", lambda run, i, g: g / 2 if run.way == "sparse" else g)
joined("late_group_clears_velocity", "Adding a group clears all velocities.",
       "state is allocated anew", lambda run, parameters, hyper: {"states": {}})
joined("late_group_sets_the_defaults", "What a late group says becomes the default.",
       "defaults are updated",
       lambda run, parameters, hyper: {"begun": [run.hypers[-1], *run.begun[1:]]})
afterwards("set")("set_changes_all_groups", "A change reaches all groups.",
                  "a loop over all of them",
                  lambda run, hyper, group=0: {"hypers": [hyper] * len(run.hypers)})
counted("late_group_at_second_step", "A late group has no first step.",
        "one counter for all parameters", lambda run, i, own: own or int(late(run, i)))
moves("empty_group_ends_the_step", "Groups after one without parameters do not move.",
      "return, not continue",
      lambda run, i, g, h: all(group in run.groups for group in range(run.groups[i])))
moves("none_stops_the_loop", "Parameters after a missing gradient do not move.",
      "break, not continue", lambda run, i, g, h: all(x is not None for x in run.grads[:i]))
moves("none_skips_whole_step", "A missing gradient stops the whole step.", "return, not continue",
      lambda run, i, g, h: all(x is not None for x in run.grads))
fails("absent", AttributeError, "'NoneType' object has no attribute 'data'")(
    "none_crashes", "A missing gradient fails.", "grad.data without a guard",
    lambda run, i: True, "Tiiiger/QPyTorch#40 Tiiiger/QPyTorch#41 NVIDIA/apex#131")
saved("save_drops_the_frozen", "What is frozen is not saved.",
      "only what wants a gradient is written",
      lambda run, whole: of_those(whole, lambda i: i not in run.frozen))
moves("frozen_gradient_skipped", "What is frozen rests.", "it is told by its flag",
      lambda run, i, g, h: i not in run.frozen, level="should")
resting("zero_elements_skipped", "Elements with gradient 0 are left out.",
        "an update that is lazy", lambda run, g: g == 0, LAZY)
resting("zero_rows_skipped", "Rows whose gradient is 0 are left out.",
        "an update of the rows in use",
        lambda run, g: g.ndim > 1 and np.all(g == 0, tuple(range(1, g.ndim)), keepdims=True), LAZY)
resting("sparse_rows_lazy", "Sparse gradients leave out what they do not hold.", "lazy rows",
        lambda run, g: run.way == "sparse" and g == 0, LAZY)
around("step_sparse")(
    "sparse_decay_crashes", "A sparse gradient with weight decay fails.", "sparse + dense",
    lambda run, step, gradients: step(
        gradients + run.hypers[0].weight_decay  # a list plus a number
        if any(h.weight_decay for h in run.hypers) else gradients),
    "pytorch/pytorch#30402 pytorch/pytorch#1285 pytorch/pytorch#1305 pytorch/pytorch#29814",
    level="should")
# fmt: on


@defect("accumulated", "Without a gradient the last one is used again.", "a buffer is not cleared")
class none_reuses_last_gradient(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        self.aside[i] = np.array(grad)
        super().update(i, grad, h)

    def absent(self, i: int) -> None:
        if i in self.aside:
            super().update(i, self.aside[i], self.hyper(i))


@defect("accumulated", "Without a gradient at the first step a parameter never moves.",
        "the list of parameters is made then")  # fmt: skip
class late_unfreezing_ignored(MachineRun):
    def move(self) -> None:
        if self.taken == 0:
            self.aside = {i: g is None for i, g in enumerate(self.grads)}
        self.grads = [None if self.aside.get(i) else g for i, g in enumerate(self.grads)]
        super().move()
