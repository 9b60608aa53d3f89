"""Wrong at the edges of the number range, and in long runs."""

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import defect
from momentum.gallery.wrong._families import before, counted, misread, moves, stored, told
from momentum.subjects.protocol import Array


def _flushed(dtype: str, x: Array) -> Array:
    return np.where(np.abs(x) < format_of(dtype).smallest_normal, 0.0, x)


def _capped(dtype: str, x: Array) -> Array:
    return np.clip(x, -format_of(dtype).largest, format_of(dtype).largest)


def _leaking(x: Array) -> Array:
    flat = np.array(x).reshape(-1)
    for first in range(0, flat.size, 4):
        if np.isnan(flat[first : first + 4]).any():
            flat[first : first + 4] = np.nan
    return flat.reshape(np.shape(x))


def _spared(v: Array) -> Array:
    return np.where(np.abs(v) >= 1e-6, v, 0.0)


moving = before("move")

# fmt: off
stored("subnormals_flushed", "Subnormal numbers become zero.", "flush-to-zero left on",
       lambda run, dtype, before, moved, v: (_flushed(dtype, moved), _flushed(dtype, v)))
stored("overflow_saturates", "Overflow stops at the largest number.", "saturating conversion",
       lambda run, dtype, before, moved, v: (_capped(dtype, moved), _capped(dtype, v)))
stored("nan_leaks_to_neighbours", "nan spreads over blocks of four.",
       "a masked vector is multiplied by 0",
       lambda run, dtype, before, moved, v: (_leaking(moved), _leaking(v)))
misread("nan_becomes_zero", "nan in a gradient counts as 0.", "nan_to_num",
        lambda run, i, g: np.where(np.isnan(g), 0.0, g))
misread("inf_clipped", "inf in a gradient counts as the largest number.", "nan_to_num",
        lambda run, i, g: _capped(run.dtypes[i], g))
misread("small_gradients_dropped", "Gradients below 1e-6 count as 0.", "a threshold",
        lambda run, i, g: np.where(np.abs(g) < 1e-6, 0.0, g))
moves("nan_skips_parameter", "nan in one element stops the parameter.",
      "a guard nobody asked for", lambda run, i, g, h: np.isfinite(g).all())
told("lr_has_floor", "lr is never below 0.01.", "a floor",
     lambda run, i, h: h._replace(lr=max(h.lr, 0.01)))
told("lr_has_tiny_floor", "lr is never below 1e-8, save at 0.", "an epsilon for a minimum",
     lambda run, i, h: h._replace(lr=max(h.lr, 1e-8) if h.lr else 0.0))
told("large_lr_capped", "lr is never above 1.", "a ceiling",
     lambda run, i, h: h._replace(lr=min(h.lr, 1.0)))
told("momentum_capped", "momentum is never above 0.95.", "a ceiling",
     lambda run, i, h: h._replace(momentum=min(h.momentum, 0.95)))
told("epsilon_in_update", "Updates are too small by 1e-4.", "an epsilon in a denominator",
     lambda run, i, h: h._replace(lr=h.lr / (1 + 1e-4)), dtypes=("float64", "float32"))
told("momentum_lost_after_50_steps", "After 50 steps there is no momentum.",
     "a warm-up that was turned round",
     lambda run, i, h: h._replace(momentum=h.momentum if run.taken < 50 else 0.0))
told("lr_decays_secretly", "lr falls by itself.", "lr / (1 + 1e-2 t), the decay of old Keras",
     lambda run, i, h: h._replace(lr=h.lr / (1 + 1e-2 * run.taken)))
moving("velocity_restarts_every_64_steps", "Every 64 steps the velocity restarts.",
       "state in a ring of 64", lambda run: {} if run.taken % 64 else {"states": {}})
moving("small_velocity_flushed_at_times", "Every 20 steps small velocities become 0.",
       "spared subnormals, too early",
       lambda run: {} if run.taken % 20 else {
           "states": {i: s._replace(v=_spared(s.v)) for i, s in run.states.items()}})
counted("counter_wraps_at_256", "After 256 steps the first step comes again.",
        "a counter of 8 bits", lambda run, i, own: own % 256)
# fmt: on


@defect("accumulated", "After 100 steps the velocity stays as it is.", "averaging is switched off")
class velocity_stalls(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        held = self.states.get(i)
        super().update(i, grad, h)
        if held is not None and self.taken >= 100:
            self.states[i] = held
