"""Groups that are mixed up, and gradients that are missing, sparse or of an odd shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper, State
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.run_state import Saved
from momentum.gallery.wrong._defect import Family, defect, reported
from momentum.gallery.wrong._families import afterwards, heard, moves, told
from momentum.subjects.protocol import Array, Gradient

Gradients = Sequence[Gradient]


def _late(run: MachineRun, i: int) -> bool:
    """The parameter came in a group that was added later."""
    return run.groups[i] >= len(run.given)


def _like(run: MachineRun, i: int, *names: str) -> Hyper:
    """The first group that is alike in these names."""
    own = run.hypers[run.groups[i]]
    return next(h for h in run.hypers if all(getattr(h, n) == getattr(own, n) for n in names))


def _reweigh(run: MachineRun, i: int, factor: float) -> None:
    """The velocity is multiplied."""
    if i in run.states:
        held = run.states[i]
        run.states[i] = held._replace(v=format_of(run.dtypes[i]).round(factor * held.v))


LAZY = "microsoft/CNTK#2411 apache/mxnet#9177 apache/mxnet#10614 clab/dynet#1009"
absent = Family("absent")
freezing = Family("freeze")
joined = afterwards("add_group")
sparsely = Family("step_sparse")

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
told("late_group_with_hyper_of_first", "A late group has the first one's hyper-parameters.",
     "defaults win", lambda run, i, h: run.hypers[0] if _late(run, i) else h)
heard("set_reaches_first_group_only", "Only the first group can be changed.", "groups[0]",
      lambda run, group, old, new: new if group == 0 else None)
moves("late_group_ignored", "A group that is added later does not move.",
      "a list made at the start", lambda run, i, g, h: not _late(run, i))
moves("zero_gradient_is_none", "A gradient of zeros counts as missing.", "`if not grad.any()`",
      lambda run, i, g, h: np.any(g != 0))
moves("groups_beyond_16_dropped", "Groups from the 17th on stand still.",
      "a table of fixed length", lambda run, i, g, h: run.groups[i] < 16)
absent("none_is_zero_gradient", "A missing gradient counts as zero.", "`grad or 0`",
       lambda run, i: run.update(i, np.zeros(run.theta[i].shape), run.hyper(i)))
absent("velocity_decays_on_none", "Without a gradient the velocity decays.",
       "momentum applied to all first", lambda run, i: _reweigh(run, i, run.hyper(i).momentum))
absent("none_clears_velocity", "Without a gradient the velocity is cleared.",
       "state of the absent goes", lambda run, i: _reweigh(run, i, 0))
freezing("frozen_velocity_dropped", "What is frozen loses its velocity.",
         "state of the frozen goes",
         lambda run, i, frozen: run.states.pop(i, None) if frozen else None)
sparsely("sparse_entries_overwrite", "Sparse entries of one place count once.",
         "the last one is written",
         lambda run, gradients: run.step([None if g is None else g / 2 for g in gradients]))
joined("late_group_clears_velocity", "Adding a group clears all velocities.",
       "state is allocated anew", lambda run, parameters, hyper: run.states.clear())
# fmt: on


@defect("accumulated", "A change reaches all groups.", "a loop over all of them")
class set_changes_all_groups(MachineRun):
    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.hypers = [hyper] * len(self.hypers)


@defect("accumulated", "What a late group says becomes the default.", "defaults are updated")
class late_group_sets_the_defaults(MachineRun):
    def add_group(self, parameters: Sequence[Array], hyper: Hyper | None) -> None:
        super().add_group(parameters, hyper)
        self.begun[0] = self.hypers[-1]


@defect("accumulated", "A late group has no first step.", "one counter for all parameters")
class late_group_at_second_step(MachineRun):
    def state(self, i: int) -> State:
        held = super().state(i)
        if not _late(self, i) or held.step:
            return held
        return held._replace(step=1, v=np.zeros(self.theta[i].shape))


@defect("accumulated", "Groups after one without parameters do not move.", "return, not continue")
class empty_group_ends_the_step(MachineRun):
    def move(self) -> None:
        empty = (g for g in range(len(self.hypers)) if g not in self.groups)
        end = next(empty, len(self.hypers))
        self.grads = [g if self.groups[i] < end else None for i, g in enumerate(self.grads)]
        super().move()


@defect("accumulated", "Parameters after a missing gradient do not move.", "break, not continue")
class none_stops_the_loop(MachineRun):
    def move(self) -> None:
        first = next((i for i, g in enumerate(self.grads) if g is None), len(self.grads))
        self.grads = [g if i < first else None for i, g in enumerate(self.grads)]
        super().move()


@reported("Tiiiger/QPyTorch#40 Tiiiger/QPyTorch#41 NVIDIA/apex#131")
@defect("accumulated", "A missing gradient fails.", "grad.data without a guard")
class none_crashes(MachineRun):
    def absent(self, i: int) -> None:
        raise AttributeError("'NoneType' object has no attribute 'data'")


@defect("accumulated", "A missing gradient stops the whole step.", "return, not continue")
class none_skips_whole_step(MachineRun):
    def move(self) -> None:
        if all(g is not None for g in self.grads):
            super().move()


@defect("accumulated", "What is frozen is not saved.", "only what wants a gradient is written")
class save_drops_the_frozen(MachineRun):
    def setup(self) -> None:
        self.frozen: set[int] = set()

    def freeze(self, i: int, frozen: bool) -> None:
        (self.frozen.add if frozen else self.frozen.discard)(i)

    def save(self) -> Saved:
        saved = super().save()
        return {
            **saved,
            "states": {i: s for i, s in saved["states"].items() if i not in self.frozen},
        }


@defect("accumulated", "What is frozen rests.", "it is told by its flag", level="should")
class frozen_gradient_skipped(MachineRun):
    def setup(self) -> None:
        self.frozen: set[int] = set()

    def freeze(self, i: int, frozen: bool) -> None:
        (self.frozen.add if frozen else self.frozen.discard)(i)

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if i not in self.frozen:
            super().update(i, grad, h)


@defect("accumulated", "Without a gradient the last one is used again.", "a buffer is not cleared")
class none_reuses_last_gradient(MachineRun):
    def setup(self) -> None:
        self.last: dict[int, Array] = {}

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        self.last[i] = np.array(grad)
        super().update(i, grad, h)

    def absent(self, i: int) -> None:
        if i in self.last:
            super().update(i, self.last[i], self.hyper(i))


@defect("accumulated", "Without a gradient at the first step a parameter never moves.",
        "the list of parameters is made then")  # fmt: skip
class late_unfreezing_ignored(MachineRun):
    frozen: frozenset[int] = frozenset()

    def move(self) -> None:
        if self.taken == 0:
            self.frozen = frozenset(i for i, g in enumerate(self.grads) if g is None)
        self.grads = [None if i in self.frozen else g for i, g in enumerate(self.grads)]
        super().move()


class _Lazy(MachineRun):
    """Elements whose gradient is 0 keep parameter and velocity."""

    lazy = True

    def still(self, grad: Array) -> Array:
        """Where nothing moves."""
        return np.asarray(grad == 0)

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, State]:
        held = self.state(i)
        moved, state = super().advanced(i, theta, grad, h)
        if not self.lazy:
            return moved, state
        still = self.still(grad)
        return np.where(still, theta, moved), state._replace(v=np.where(still, held.v, state.v))


@reported(LAZY)
@defect("accumulated", "Elements with gradient 0 are left out.", "an update that is lazy")
class zero_elements_skipped(_Lazy):
    pass


@reported(LAZY)
@defect("accumulated", "Rows whose gradient is 0 are left out.", "an update of the rows in use")
class zero_rows_skipped(_Lazy):
    def still(self, grad: Array) -> Array:
        others = tuple(range(1, grad.ndim))
        rows = np.all(grad == 0, axis=others, keepdims=True) if others else np.array(False)
        return np.broadcast_to(rows, grad.shape)


@reported(LAZY)
@defect("accumulated", "Sparse gradients leave out what they do not hold.", "lazy rows")
class sparse_rows_lazy(_Lazy):
    lazy = False

    def step_sparse(self, gradients: Gradients) -> None:
        self.lazy = True
        self.step(gradients)
        self.lazy = False


@reported("pytorch/pytorch#30402 pytorch/pytorch#1285 pytorch/pytorch#1305 pytorch/pytorch#29814")
@defect("accumulated", "A sparse gradient with weight decay fails.", level="should")
class sparse_decay_crashes(MachineRun):
    """Sparse + dense."""

    def step_sparse(self, gradients: Gradients) -> None:
        decays: Any = sum(h.weight_decay for h in self.hypers)
        self.step(gradients + decays if decays else gradients)  # a list plus a number
