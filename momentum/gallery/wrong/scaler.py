"""Wrong training steps: closures, gradient scalers and skipped steps."""

from collections.abc import Callable

import numpy as np

from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import Family, defect
from momentum.gallery.wrong._families import before

Closure = Callable[[], float]
SCALER = "pytorch/pytorch#95847 pytorch/pytorch#97415 pytorch/pytorch#98772"

infinite = Family("found_inf")
unscaled = Family("unscale")

# fmt: off
infinite("scaler_never_skips", "Gradients that are not finite are applied.",
         "the flag is looked at only where the scale is given too", lambda run: False, SCALER)
infinite("scaler_misses_nan", "nan does not make the scaler skip.", "only inf is looked for",
         lambda run: any(np.isinf(g).any() for g in run.grads if g is not None))
infinite("scaler_looks_at_first_parameter", "Only the first parameter can make the scaler skip.",
         "an early exit",
         lambda run: not np.all(np.isfinite(
             next((g for g in run.grads if g is not None), 0.0))))
unscaled("scaler_does_not_unscale", "Gradients are not unscaled.", "depends on the path",
         lambda run, scale: None, SCALER)
before("unscale")("scaler_unscales_twice", "Gradients are unscaled twice.",
                  "by the scaler and by the step", MachineRun.unscale)
before("step_by")("closure_called_twice", "The closure is called twice.",
                  "for the loss and for the gradients", lambda run, closure: closure())
# fmt: on


@defect("accumulated", "The closure is not called.", "the argument is there for the signature")
class closure_not_called(MachineRun):
    def step_by(self, closure: Closure) -> float | None:
        self.move()
        return None


@defect("accumulated", "A rate set in a closure counts a step late.", "read before it is called")
class rate_read_before_closure(MachineRun):
    def step_by(self, closure: Closure) -> float | None:
        before = list(self.hypers)
        loss = closure()
        now, self.hypers = self.hypers, before
        self.move()
        self.hypers = now
        return loss


@defect("accumulated", "A flag set in a closure counts a step late.", "read before it is called")
class flags_read_before_closure(MachineRun):
    def step_by(self, closure: Closure) -> float | None:
        before = list(self.hypers)
        loss = closure()
        now = self.hypers
        self.hypers = [
            h._replace(nesterov=old.nesterov, maximize=old.maximize) for h, old in zip(now, before)
        ]
        self.move()
        self.hypers = now
        return loss


@defect("accumulated", "A loss that is not a number skips the step.", "a guard of the loss")
class lost_loss_skips_the_step(MachineRun):
    def step_by(self, closure: Closure) -> float | None:
        loss = closure()
        if not np.isnan(loss):
            self.move()
        return loss


@defect("accumulated", "A closure that raises takes the velocity with it.", "state is taken out")
class state_lost_when_closure_raises(MachineRun):
    def step_by(self, closure: Closure) -> float | None:
        held, self.states = self.states, {}
        loss = closure()
        self.states = held
        self.move()
        return loss


@defect("accumulated", "The closure's result is lost.", "no return", level="should")
class closure_result_dropped(MachineRun):
    def step_by(self, closure: Closure) -> float | None:
        super().step_by(closure)
        return None


@defect("accumulated", "The step comes before its closure.", "old gradients are used")
class step_before_closure(MachineRun):
    def step_by(self, closure: Closure) -> float | None:
        self.move()
        return closure()


@defect("accumulated", "A skipped step feeds the velocity.", "only the parameter is kept back")
class scaler_skip_feeds_velocity(MachineRun):
    def skipped(self, scale: float) -> None:
        kept = [np.array(x) for x in self.theta]
        self.grads = [None if g is None else np.nan_to_num(g / scale, posinf=0) for g in self.grads]
        self.move()
        for x, values in zip(self.theta, kept):
            x[...] = values


@defect("accumulated", "A skipped step counts as the first.", "the counter grows all the same")
class scaler_skip_counts_as_step(MachineRun):
    def skipped(self, scale: float) -> None:
        for i, x in enumerate(self.theta):
            if i not in self.states:
                initial = self.subject.convention.initial
                self.states[i] = initial._replace(step=1, v=np.zeros(x.shape))


@defect("accumulated", "Parameters with finite gradients move at a skipped step.", "one by one")
class scaler_skips_parameter_only(MachineRun):
    def skipped(self, scale: float) -> None:
        self.grads = [None if g is None or not np.isfinite(g).all() else g for g in self.grads]
        self.unscale(scale)
        self.move()


@defect("accumulated", "After a skipped step every step is skipped.", "the flag is never cleared")
class scaler_skips_always_after(MachineRun):
    stuck = False

    def skipped(self, scale: float) -> None:
        self.stuck = True

    def found_inf(self) -> bool:
        return self.stuck or super().found_inf()
