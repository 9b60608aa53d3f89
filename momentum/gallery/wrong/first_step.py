"""Wrong first steps and wrong dampening."""

from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RULE, Moved, after, decayed, defect, reported

X = Any


def _moved(theta: X, grad: X, state: X, h: Hyper, v: X) -> Moved:
    d = decayed(theta, grad, h)
    return theta - h.lr * (d + h.momentum * v if h.nesterov else v), after(state, v)


@reported("ml-explore/mlx#473 ml-explore/mlx#440")
@defect("accumulated", "The first step is dampened.", "the velocity starts at zero")
def first_step_dampened(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["zero_started"](theta, grad, state, h)


@defect("zero_started", "The first step is not dampened.", "the velocity starts with the gradient")
def first_step_undampened(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    return RULE["accumulated"](theta, grad, state, h)


@reported(
    "open-lm-engine/accelerated-model-architectures#436 bitsandbytes-foundation/bitsandbytes#2085"
)
@defect("accumulated", "Dampening has no effect.")
def dampening_never_applied(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """The flag of the first step is never cleared; or the argument is not read."""
    return RULE["accumulated"](theta, grad, state, h._replace(dampening=0))


@reported("zc911/MatrixSlow#17")
@defect("scaled", "The first step is not scaled by lr.", "v starts as d, then adds lr d")
def first_velocity_without_lr(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    return _scaled(theta, d, state, h, d if state.step == 0 else h.momentum * state.v + h.lr * d)


def _scaled(theta: X, d: X, state: X, h: Hyper, v: X) -> Moved:
    return theta - (h.lr * d + h.momentum * v if h.nesterov else v), after(state, v)


@reported("NVIDIA/Megatron-LM#5976")
@defect("zero_started", "The velocity starts with the decay of the start.")
def prepared_with_decay(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """State is allocated by a step with zero gradient and lr 0, which is not inert."""
    if state.step == 0:
        _, state = RULE["zero_started"](theta, 0 * grad, state, h)
    return RULE["zero_started"](theta, grad, state, h)


@reported("pytorch/pytorch#152833 pytorch/pytorch#92111 pytorch/pytorch#91108")
@defect("accumulated", "The first gradient is forgotten after the first step.")
def velocity_seeded_one_step_late(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    """The step is taken before the velocity is allocated."""
    moved, new = RULE["accumulated"](theta, grad, state, h)
    return moved, new._replace(v=0 * new.v) if state.step == 0 else new


@defect("accumulated", "The first step does not move.", "it only allocates the velocity")
def first_step_skipped(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["accumulated"](theta, grad, state, h)
    return (theta + 0 * moved if state.step == 0 else moved), new


@defect("accumulated", "The first gradient counts twice.", "v starts as d, then is updated too")
def first_gradient_counted_twice(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = h.momentum * (d if state.step == 0 else state.v) + (1 - h.dampening) * d
    return _moved(theta, grad, state, h, v)


@defect("accumulated", "The second step restarts the velocity.", "off by one in the first step")
def second_step_restarts(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    moved, new = RULE["accumulated"](theta, grad, state._replace(step=max(state.step - 1, 0)), h)
    return moved, new._replace(step=state.step + 1)


@defect("accumulated", "Dampening acts squared.", "gradient and velocity are both dampened")
def dampening_twice(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    keep = 1 - h.dampening
    v = d if state.step == 0 else h.momentum * state.v + keep * (keep * d)
    return _moved(theta, grad, state, h, v)


@defect("accumulated", "The old velocity is dampened.", "factor on the whole sum")
def dampening_on_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = d if state.step == 0 else (1 - h.dampening) * (h.momentum * state.v + d)
    return _moved(theta, grad, state, h, v)


@defect("zero_started", "The update is dampened again.", "factor on the step too")
def dampening_on_update(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    _, new = RULE["zero_started"](theta, grad, state, h)
    return _moved(theta, grad, state, h._replace(lr=h.lr * (1 - h.dampening)), new.v)


@defect("accumulated", "Dampening weighs the gradient.", "dampening in place of 1 - dampening")
def dampening_reversed(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    d = decayed(theta, grad, h)
    v = d if state.step == 0 else h.momentum * state.v + h.dampening * d
    return _moved(theta, grad, state, h, v)


@defect("accumulated", "A velocity of zeros counts as none.", "`if not v.any()` for the first step")
def first_step_by_zero_velocity(theta: X, grad: X, state: X, h: Hyper) -> Moved:
    empty = state.step == 0 or not state.v
    moved, new = RULE["accumulated"](theta, grad, state._replace(step=0 if empty else 1), h)
    return moved, new._replace(step=state.step + 1)


class _Counted(MachineRun):
    """The rule is given another count of steps than the parameter's own."""

    def count(self, i: int) -> int:
        raise NotImplementedError

    def state(self, i: int) -> Any:
        held = super().state(i)
        step = self.count(i)
        v = np.zeros(self.theta[i].shape) if step and np.ndim(held.v) == 0 else held.v
        return held._replace(step=step, v=v)


@defect("accumulated", "A parameter whose first gradient comes late is dampened at once.")
class first_step_by_common_counter(_Counted):
    """One counter for all parameters."""

    def count(self, i: int) -> int:
        return self.taken


@defect("accumulated", "Only the first parameter has a first step.")
class first_step_for_first_parameter_only(_Counted):
    """The counter grows with every parameter."""

    def count(self, i: int) -> int:
        return self.taken + i


@defect("accumulated", "A missing gradient counts as a first step.")
class missing_first_gradient_counts(MachineRun):
    """State is allocated before the gradient is looked at."""

    def absent(self, i: int) -> None:
        if i not in self.states:
            initial = self.subject.convention.initial
            self.states[i] = initial._replace(step=1, v=np.zeros(self.theta[i].shape))
