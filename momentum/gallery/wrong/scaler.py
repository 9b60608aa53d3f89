"""Wrong training steps: closures, gradient scalers and skipped steps."""

from collections.abc import Callable

import numpy as np

from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import Family, Method, defect, family
from momentum.gallery.wrong._families import around, before, second, then

Closure = Callable[[], float]
SCALER = "pytorch/pytorch#95847 pytorch/pytorch#97415 pytorch/pytorch#98772"

infinite = Family("found_inf")
unscaled = Family("unscale")
closing = Family("step_by")


@family("step_by")
def unheard(heard: Method, run: MachineRun, step_by: Method, closure: Closure) -> float | None:
    """The step has hyper-parameters made of those before its closure and those after it."""
    before, loss = list(run.hypers), closure()
    after, run.hypers = run.hypers, [heard(*pair) for pair in zip(before, run.hypers)]
    run.move()
    run.hypers = after
    return loss


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
around("unscale")("scaler_unscales_twice", "Gradients are unscaled twice.",
                  "by the scaler and by the step",
                  lambda run, unscale, scale: then(unscale(scale), unscale(scale)))
around("step_by")("closure_called_twice", "The closure is called twice.",
                  "for the loss and for the gradients",
                  lambda run, step_by, closure: then(closure(), step_by(closure)))
closing("closure_not_called", "The closure is not called.",
        "the argument is there for the signature", lambda run, closure: run.move())
closing("step_before_closure", "The step comes before its closure.", "old gradients are used",
        lambda run, closure: then(run.move(), closure()))
closing("closure_result_dropped", "The closure's result is lost.", "no return",
        lambda run, closure: then(closure(), run.move()), level="should")
unheard("rate_read_before_closure", "A rate set in a closure counts a step late.",
        "read before it is called", lambda old, new: old)
unheard("flags_read_before_closure", "A flag set in a closure counts a step late.",
        "read before it is called",
        lambda old, new: new._replace(nesterov=old.nesterov, maximize=old.maximize))
before("skipped")("scaler_skip_counts_as_step", "A skipped step counts as the first.",
                  "the counter grows all the same",
                  lambda run, scale: {"states": {
                      i: run.states.get(i, second(run, i)) for i in range(len(run.theta))}})
# fmt: on


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


@defect("accumulated", "A skipped step feeds the velocity.", "only the parameter is kept back")
class scaler_skip_feeds_velocity(MachineRun):
    def skipped(self, scale: float) -> None:
        kept = [np.array(x) for x in self.theta]
        self.grads = [None if g is None else np.nan_to_num(g / scale, posinf=0) for g in self.grads]
        self.move()
        for x, values in zip(self.theta, kept):
            x[...] = values


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
