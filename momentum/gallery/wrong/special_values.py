"""Wrong at the edges of the number range, and in long runs."""

from typing import Any

import numpy as np

from momentum.arithmetic import Format, format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RuleRun, defect
from momentum.subjects.protocol import Array


class _Results(MachineRun):
    """Parameter and velocity go through a function when they are stored."""

    def result(self, x: Array, format: Format) -> Any:
        raise NotImplementedError

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, Any]:
        format = format_of(self.dtypes[i])
        moved, state = super().advanced(i, theta, grad, h)
        return self.result(moved, format), state._replace(v=self.result(state.v, format))


@defect("accumulated", "Subnormal numbers become zero.", "flush-to-zero left on")
class subnormals_flushed(_Results):
    def result(self, x: Array, format: Format) -> Any:
        return np.where(np.abs(x) < format.smallest_normal, 0.0, x)


@defect("accumulated", "Overflow stops at the largest number.", "saturating conversion")
class overflow_saturates(_Results):
    def result(self, x: Array, format: Format) -> Any:
        return np.clip(x, -format.largest, format.largest)


@defect("accumulated", "nan spreads over blocks of four.", "a masked vector is multiplied by 0")
class nan_leaks_to_neighbours(_Results):
    def result(self, x: Array, format: Format) -> Any:
        flat = np.array(x).reshape(-1)
        for first in range(0, flat.size, 4):
            if np.isnan(flat[first : first + 4]).any():
                flat[first : first + 4] = np.nan
        return flat.reshape(np.shape(x))


class _Gradients(MachineRun):
    """Gradients go through a function first."""

    def changed(self, grad: Array, format: Format) -> Any:
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, self.changed(grad, format_of(self.dtypes[i])), h)


@defect("accumulated", "nan in a gradient counts as 0.", "nan_to_num")
class nan_becomes_zero(_Gradients):
    def changed(self, grad: Array, format: Format) -> Any:
        return np.where(np.isnan(grad), 0.0, grad)


@defect("accumulated", "inf in a gradient counts as the largest number.", "nan_to_num")
class inf_clipped(_Gradients):
    def changed(self, grad: Array, format: Format) -> Any:
        return np.clip(grad, -format.largest, format.largest)


@defect("accumulated", "Gradients below 1e-6 count as 0.", "a threshold")
class small_gradients_dropped(_Gradients):
    def changed(self, grad: Array, format: Format) -> Any:
        return np.where(np.abs(grad) < 1e-6, 0.0, grad)


@defect("accumulated", "nan in one element stops the parameter.", "a guard nobody asked for")
class nan_skips_parameter(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        if np.isfinite(grad).all():
            super().update(i, grad, h)


@defect("accumulated", "lr is never below 0.01.", "a floor")
class lr_has_floor(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=max(h.lr, 0.01))


@defect("accumulated", "lr is never below 1e-8, save at 0.", "an epsilon for a minimum")
class lr_has_tiny_floor(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=max(h.lr, 1e-8) if h.lr else 0.0)


@defect("accumulated", "lr is never above 1.", "a ceiling")
class large_lr_capped(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=min(h.lr, 1.0))


@defect("accumulated", "momentum is never above 0.95.", "a ceiling")
class momentum_capped(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(momentum=min(h.momentum, 0.95))


@defect("accumulated", "Updates are too small by 1e-4.", "an epsilon in a denominator",
        dtypes=("float64", "float32"))  # fmt: skip
class epsilon_in_update(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=h.lr / (1 + 1e-4))


@defect("accumulated", "After 50 steps there is no momentum.", "a warm-up that was turned round")
class momentum_lost_after_50_steps(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(momentum=h.momentum if self.taken < 50 else 0.0)


@defect("accumulated", "lr falls by itself.", "lr / (1 + 1e-2 t), the decay of old Keras")
class lr_decays_secretly(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=h.lr / (1 + 1e-2 * self.taken))


@defect("accumulated", "Every 64 steps the velocity restarts.", "state in a ring of 64")
class velocity_restarts_every_64_steps(MachineRun):
    def move(self) -> None:
        if self.taken and self.taken % 64 == 0:
            self.states = {}
        super().move()


@defect("accumulated", "Every 20 steps small velocities become 0.", "spared subnormals, too early")
class small_velocity_flushed_at_times(MachineRun):
    def move(self) -> None:
        if self.taken and self.taken % 20 == 0:
            for i, state in self.states.items():
                kept = np.where(np.abs(state.v) >= 1e-6, state.v, 0.0)
                self.states[i] = state._replace(v=kept)
        super().move()


@defect("accumulated", "After 256 steps the first step comes again.", "a counter of 8 bits")
class counter_wraps_at_256(MachineRun):
    def state(self, i: int) -> Any:
        held = super().state(i)
        return held._replace(step=held.step % 256)


@defect("accumulated", "After 100 steps the velocity stays as it is.", "averaging is switched off")
class velocity_stalls(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        held = self.states.get(i)
        super().update(i, grad, h)
        if held is not None and self.taken >= 100:
            self.states[i] = held
