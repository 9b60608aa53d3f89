"""Groups that are mixed up, and gradients that are missing, sparse or of an odd shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RuleRun, defect, reported
from momentum.subjects.protocol import Array, Gradient

Gradients = Sequence[Gradient]


@defect("accumulated", "All groups have the first one's hyper-parameters.", "groups[0]")
class first_group_for_all(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return self.hypers[0]


@defect("accumulated", "All groups have the last one's hyper-parameters.", "a loop variable leaks")
class last_group_for_all(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return self.hypers[-1]


@defect("accumulated", "All groups have the first one's momentum.", "read outside the loop")
class momentum_of_first_group_for_all(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(momentum=self.hypers[0].momentum)


@defect("accumulated", "Groups of equal lr and momentum are taken for one.", "the key is too short")
class groups_merged_by_rate_and_momentum(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        own = self.hypers[self.groups[i]]
        first = next(x for x in self.hypers if (x.lr, x.momentum) == (own.lr, own.momentum))
        return first._replace(lr=h.lr)


@defect("accumulated", "Groups alike but for nesterov have the first one's.", "a key without it")
class nesterov_of_first_like_group(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        own = self.hypers[self.groups[i]]._replace(nesterov=False)
        like = next(x for x in self.hypers if x._replace(nesterov=False) == own)
        return h._replace(nesterov=like.nesterov)


@defect("accumulated", "A change reaches all groups.", "a loop over all of them")
class set_changes_all_groups(MachineRun):
    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.hypers = [hyper] * len(self.hypers)


@defect("accumulated", "Only the first group can be changed.", "groups[0]")
class set_reaches_first_group_only(MachineRun):
    def set(self, hyper: Hyper, group: int = 0) -> None:
        if group == 0:
            super().set(hyper)


class _Late(RuleRun):
    """A run that knows which parameters came late."""

    def setup(self) -> None:
        self.known = len(self.theta)

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h


@defect("accumulated", "A group that is added later does not move.", "a list made at the start")
class late_group_ignored(_Late):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if i < self.known:
            super().update(i, grad, h)


@defect("accumulated", "A late group has the first one's hyper-parameters.", "defaults win")
class late_group_with_hyper_of_first(_Late):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h if i < self.known else self.hypers[0]


@defect("accumulated", "Adding a group clears all velocities.", "state is allocated anew")
class late_group_clears_velocity(MachineRun):
    def add_group(self, parameters: Sequence[Array], hyper: Hyper | None) -> None:
        super().add_group(parameters, hyper)
        self.states = {}


@defect("accumulated", "A late group has no first step.", "one counter for all parameters")
class late_group_at_second_step(_Late):
    def state(self, i: int) -> Any:
        held = super().state(i)
        if i < self.known or held.step:
            return held
        return held._replace(step=1, v=np.zeros(self.theta[i].shape))


@defect("accumulated", "A missing gradient counts as zero.", "`grad or 0`")
class none_is_zero_gradient(MachineRun):
    def absent(self, i: int) -> None:
        self.update(i, np.zeros(self.theta[i].shape), self.hyper(i))


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


class _VelocityAtNone(MachineRun):
    """A missing gradient changes the velocity."""

    def changed(self, v: Array, h: Hyper) -> Any:
        raise NotImplementedError

    def absent(self, i: int) -> None:
        if i in self.states:
            round = format_of(self.dtypes[i]).round
            held = self.states[i]
            self.states[i] = held._replace(v=round(self.changed(held.v, self.hyper(i))))


@defect("accumulated", "Without a gradient the velocity decays.", "momentum applied to all first")
class velocity_decays_on_none(_VelocityAtNone):
    def changed(self, v: Array, h: Hyper) -> Any:
        return h.momentum * v


@defect("accumulated", "Without a gradient the velocity is cleared.", "state of the absent goes")
class none_clears_velocity(_VelocityAtNone):
    def changed(self, v: Array, h: Hyper) -> Any:
        return 0 * v


@defect("accumulated", "What is frozen loses its velocity.", "state of the frozen goes")
class frozen_velocity_dropped(MachineRun):
    def freeze(self, i: int, frozen: bool) -> None:
        if frozen:
            self.states.pop(i, None)


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


@defect("accumulated", "A gradient of zeros counts as missing.", "`if not grad.any()`")
class zero_gradient_is_none(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if np.any(grad != 0):
            super().update(i, grad, h)


class _Lazy(MachineRun):
    """Elements whose gradient is 0 keep parameter and velocity."""

    lazy = True

    def still(self, grad: Array) -> Array:
        """Where nothing moves."""
        return np.asarray(grad == 0)

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        held = self.state(i)
        moved, state = super().advanced(i, theta, grad, h)
        if not self.lazy:
            return moved, state
        still = self.still(grad)
        return np.where(still, theta, moved), state._replace(v=np.where(still, held.v, state.v))


@reported("microsoft/CNTK#2411 apache/mxnet#9177 apache/mxnet#10614 clab/dynet#1009")
@defect("accumulated", "Elements with gradient 0 are left out.", "an update that is lazy")
class zero_elements_skipped(_Lazy):
    pass


@reported("microsoft/CNTK#2411 apache/mxnet#9177 apache/mxnet#10614 clab/dynet#1009")
@defect("accumulated", "Rows whose gradient is 0 are left out.", "an update of the rows in use")
class zero_rows_skipped(_Lazy):
    def still(self, grad: Array) -> Array:
        others = tuple(range(1, grad.ndim))
        rows = np.all(grad == 0, axis=others, keepdims=True) if others else np.array(False)
        return np.broadcast_to(rows, grad.shape)


@reported("microsoft/CNTK#2411 apache/mxnet#9177 apache/mxnet#10614 clab/dynet#1009")
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


@defect("accumulated", "Sparse entries of one place count once.", "the last one is written")
class sparse_entries_overwrite(MachineRun):
    def step_sparse(self, gradients: Gradients) -> None:
        self.step([None if g is None else g / 2 for g in gradients])


@defect("accumulated", "Groups from the 17th on stand still.", "a table of fixed length")
class groups_beyond_16_dropped(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if self.groups[i] < 16:
            super().update(i, grad, h)
