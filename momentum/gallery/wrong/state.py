"""State that is lost, shared or mistaken: between parameters, runs, saves and copies."""

import copy
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.number import Working
from momentum.gallery.wrong._defect import RuleRun, defect
from momentum.subjects.protocol import Array

HALVES = ("float16", "bfloat16")


@defect(
    "accumulated",
    "Without momentum a parameter takes the update of the one before.",
    "a local variable keeps its value from the last round of the loop",
    "R082",
)
class UpdateOfPreviousParameter(MachineRun):
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


@defect(
    "zero_started",
    "A new run goes on with the velocity of the last.",
    "reset does not clear what belongs to the parameters",
    "R084",
)
class VelocitySurvivesRestart(MachineRun):
    def setup(self) -> None:
        shapes = [x.shape for x in self.theta]
        if self.subject.memory.get("shapes") == shapes:
            self.states = copy.deepcopy(self.subject.memory["states"])

    def move(self) -> None:
        super().move()
        self.subject.memory["shapes"] = [x.shape for x in self.theta]
        self.subject.memory["states"] = copy.deepcopy(self.states)


@defect("zero_started", "Two live runs share one velocity.", "state held by the class")
class LiveRunsShareVelocity(MachineRun):
    def setup(self) -> None:
        key = str([x.shape for x in self.theta])
        self.states = self.subject.memory.setdefault(key, {})
        self.states.clear()


class _Keyed(MachineRun):
    """States are found under another key than the parameter's number."""

    def key(self, i: int) -> int:
        raise NotImplementedError

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        self.theta[i][...], self.states[self.key(i)] = self.advanced(i, self.theta[i], grad, h)

    def state(self, i: int) -> Any:
        return super().state(self.key(i))


@defect("accumulated", "Parameters of one shape share their velocity.", "state keyed by shape")
class VelocitySharedByShape(_Keyed):
    def key(self, i: int) -> int:
        return [x.shape for x in self.theta].index(self.theta[i].shape)


@defect(
    "accumulated",
    "After a missing gradient, velocities belong to the wrong parameters.",
    "velocities are counted off along the parameters that have a gradient",
)
class VelocityByPositionAmongFed(_Keyed):
    def key(self, i: int) -> int:
        return sum(g is not None for g in self.grads[:i])


@defect(
    "accumulated",
    "A run and the one that it was loaded from share their velocity.",
    "what is loaded is not copied",
    "R075",
    level="should",
)
class LoadSharesVelocity(MachineRun):
    def load(self, saved: dict[str, Any]) -> None:
        self.fits(saved)
        self.take_over(saved)


@defect("accumulated", "What was saved changes with later steps.", "references, not copies", "R075")
class SaveSharesVelocity(MachineRun):
    def save(self) -> dict[str, Any]:
        return {**super().save(), "states": self.states}


@defect("accumulated", "A load loses the velocity.", "the optimizer is built anew", "R086")
class LoadDropsVelocity(MachineRun):
    def take_over(self, saved: dict[str, Any]) -> None:
        super().take_over({**saved, "states": {}})


@defect("accumulated", "After a load the first step comes again.", "the counter is not saved")
class LoadDropsStep(MachineRun):
    def take_over(self, saved: dict[str, Any]) -> None:
        states = {i: s._replace(step=0) for i, s in saved["states"].items()}
        super().take_over({**saved, "states": states})


@defect("accumulated", "The second parameter's velocity is not saved.", "one key for two")
class SaveDropsSecondParameter(MachineRun):
    def save(self) -> dict[str, Any]:
        saved = super().save()
        saved["states"].pop(1, None)
        return saved


@defect(
    "zero_started",
    "A load into a fresh run leaves the velocity at zero.",
    "only what is already there is filled, and a fresh run has nothing yet",
    "R112",
)
class LoadFillsExistingOnly(MachineRun):
    def take_over(self, saved: dict[str, Any]) -> None:
        known = {i: s for i, s in saved["states"].items() if i in self.states}
        super().take_over({**saved, "states": known})


@defect(
    "accumulated",
    "With interleaved groups, velocities are loaded onto wrong parameters.",
    "saved group by group, read in the order of the parameters",
    "R099",
)
class LoadIgnoresGroupOrder(MachineRun):
    def save(self) -> dict[str, Any]:
        saved = super().save()
        order = sorted(range(len(self.theta)), key=lambda i: self.groups[i])
        states = saved["states"]
        saved["states"] = {k: states[i] for k, i in enumerate(order) if i in states}
        return saved


@defect(
    "accumulated", "A load restores no hyper-parameter.", "tensors only", "R116", level="should"
)
class LoadForgetsHyper(MachineRun):
    def take_over(self, saved: dict[str, Any]) -> None:
        super().take_over({**saved, "hypers": self.begun})


@defect(
    "accumulated",
    "A load rounds the velocity.",
    "state is cast to the parameter's type",
    "R090",
    dtypes=HALVES,
    working=Working(inside=True, wide_state=True),
)
class LoadRoundsVelocity(MachineRun):
    def take_over(self, saved: dict[str, Any]) -> None:
        rounded = {
            i: s._replace(v=format_of(self.dtypes[i]).round(s.v))
            for i, s in saved["states"].items()
        }
        super().take_over({**saved, "states": rounded})


@defect("averaged_debiased", "A load forgets the sum of the weights.", "scalars are not saved")
class LoadDropsWeight(MachineRun):
    def take_over(self, saved: dict[str, Any]) -> None:
        states = {i: s._replace(weight=0 * s.weight) for i, s in saved["states"].items()}
        super().take_over({**saved, "states": states})


@defect("accumulated", "Without momentum a save fails.", "the velocity is None", "R110 R116")
class SaveCrashesWithoutMomentum(MachineRun):
    def save(self) -> dict[str, Any]:
        if not all(h.momentum for h in self.hypers):
            raise AttributeError("'NoneType' object has no attribute 'shape'")
        return super().save()


@defect("accumulated", "A save clears the velocity.", "state is moved out, not copied")
class SaveChangesRun(MachineRun):
    def save(self) -> dict[str, Any]:
        saved = super().save()
        self.states = {}
        return saved


@defect("accumulated", "Another optimizer's state is loaded.", "no schema", "R111", level="should")
class ForeignStateAccepted(MachineRun):
    def fits(self, saved: dict[str, Any]) -> None:
        pass


@defect("accumulated", "Velocities of any shape are loaded.", "no check", "R119", level="should")
class WrongShapeAccepted(MachineRun):
    def fits(self, saved: dict[str, Any]) -> None:
        flat = {
            i: s._replace(v=np.zeros(self.theta[i].shape)) if hasattr(s, "_replace") else s
            for i, s in saved["states"].items()
        }
        super().fits({**saved, "states": flat})


@defect(
    "accumulated",
    "A copy of the optimizer fails at its next step.",
    "an attribute of the constructor is not part of the state",
    "R118",
)
class CopyLosesAttribute(RuleRun):
    def setup(self) -> None:
        self.sign = True

    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        del twin.sign
        return twin

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(maximize=h.maximize and self.sign)


@defect("accumulated", "A pickled copy is Nesterov's no more.", "a flag that is not in the state")
class PickleForgetsNesterov(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        if how == "pickle":
            twin.hypers = [h._replace(nesterov=False) for h in twin.hypers]
        return twin


@defect("accumulated", "A pickled copy has no velocity.", "state is keyed by identity")
class PickleDropsVelocity(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.states = {} if how == "pickle" else twin.states
        return twin


@defect("accumulated", "A deep copy shares its velocity.", "a shallow copy of the state")
class DeepcopySharesVelocity(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.states = self.states if how == "deepcopy" else twin.states
        return twin


@defect("accumulated", "A deep copy shares its parameters.", "a shallow copy of the list")
class DeepcopySharesParameters(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.theta = self.theta if how == "deepcopy" else twin.theta
        return twin


@defect(
    "accumulated", "A copy has the hyper-parameters of the start.", "the constructor's are kept"
)
class CopyForgetsSet(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.hypers = list(self.begun)
        return twin
