"""Copies, deep or pickled, that are not independent or not complete."""

from typing import Any

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RuleRun, defect, reported

HALVES = ("float16", "bfloat16")


@reported("kakaobrain/torchlars#5 pytorch/pytorch#72839")
@defect("accumulated", "A copy of the optimizer fails at its next step.")
class copy_loses_attribute(RuleRun):
    """An attribute of the constructor is not part of the state."""

    def setup(self) -> None:
        self.sign = True

    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        del twin.sign
        return twin

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(maximize=h.maximize and self.sign)


@defect("accumulated", "A pickled copy is Nesterov's no more.", "a flag that is not in the state")
class pickle_forgets_nesterov(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        if how == "pickle":
            twin.hypers = [h._replace(nesterov=False) for h in twin.hypers]
        return twin


@defect("accumulated", "A pickled copy has no velocity.", "state is keyed by identity")
class pickle_drops_velocity(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.states = {} if how == "pickle" else twin.states
        return twin


@defect("accumulated", "A deep copy shares its velocity.", "a shallow copy of the state")
class deepcopy_shares_velocity(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.states = self.states if how == "deepcopy" else twin.states
        return twin


@defect("accumulated", "A deep copy shares its parameters.", "a shallow copy of the list")
class deepcopy_shares_parameters(MachineRun):
    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.theta = self.theta if how == "deepcopy" else twin.theta
        return twin


@defect("accumulated", "A copy has the hyper-parameters of the start.")
class copy_forgets_set(MachineRun):
    """The constructor's are kept."""

    def duplicate(self, how: str) -> Any:
        twin = super().duplicate(how)
        twin.hypers = list(self.begun)
        return twin
