"""Learning rates and settings that are taken for others close to them."""

from typing import Any

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RuleRun, defect


def rounded(x: float, digits: int) -> str:
    """A number as text of so many digits."""
    return f"{x:.{digits}g}"


@defect("accumulated", "A rate close to an earlier one is taken for it.", "a cache of three digits")
class rate_looked_up_rounded(RuleRun):
    def setup(self) -> None:
        self.kept: dict[str, float] = {}

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(lr=self.kept.setdefault(rounded(h.lr, 3), h.lr))


@defect("accumulated", "A rate close to another run's is taken for that.", "kernels kept by name")
class kernel_kept_by_rounded_rate(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        kept = self.subject.memory.setdefault(rounded(h.lr, 3), h.lr)
        return h._replace(lr=kept)


class _Deaf(MachineRun):
    """Some changes of the rate are not heard."""

    def heard(self, old: float, new: float) -> bool:
        raise NotImplementedError

    def set(self, hyper: Hyper, group: int = 0) -> None:
        old = self.hypers[group].lr
        super().set(hyper if self.heard(old, hyper.lr) else hyper._replace(lr=old), group)


@defect("accumulated", "A rate that changes by a few millionths stays.", "compared for being close")
class small_changes_of_rate_ignored(_Deaf):
    def heard(self, old: float, new: float) -> bool:
        return abs(new - old) > 3e-6 * old


@defect("accumulated", "A rate that changes by less than 1e-6 stays.", "an absolute threshold")
class tiny_change_of_rate_ignored(_Deaf):
    def heard(self, old: float, new: float) -> bool:
        return abs(new - old) > 1e-6


@defect("accumulated", "Groups alike in two digits are taken for one.", "a key of rounded values")
class groups_merged_by_rounded_settings(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        def key(x: Hyper) -> list[Any]:
            return [rounded(n, 2) for n in (x.lr, x.momentum, x.dampening, x.weight_decay)]

        own = self.hypers[self.groups[i]]
        return next(x for x in self.hypers if key(x) == key(own))


@defect("accumulated", "Flags are what they were at the start.", "the form is chosen once")
class flags_captured_at_start(RuleRun):
    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        first = self.begun[self.groups[i]]
        return h._replace(nesterov=first.nesterov, maximize=first.maximize)
