"""Hyper-parameters that are accepted or refused by mistake."""

import numpy as np

from momentum.conventions import Hyper
from momentum.conventions.hyper import COMMON
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import Method, defect, family
from momentum.gallery.wrong._families import around, fails


@family("validate")
def blind(unseen: Method, run: MachineRun, validate: Method, h: Hyper, group: int) -> None:
    """Bad values of one hyper-parameter are not seen."""
    seen = {n: 0.0 for n in COMMON if unseen(run, n, float(getattr(h, n)))}
    validate(h.having(**seen), group)


@family("validate")
def sparing(spared: Method, run: MachineRun, validate: Method, h: Hyper, group: int) -> None:
    """Not everything is validated."""
    if not spared(run, group):
        validate(h, group)


NEGATIVE = "tinygrad/tinygrad#15576 pytorch/pytorch#6000 pytorch/pytorch#33126"

# fmt: off
blind("negative_lr_accepted", "A negative lr is accepted.", "no check",
      lambda run, n, x: n == "lr" and x < 0, NEGATIVE, level="should")
blind("negative_momentum_accepted", "A negative momentum is accepted.", "no check",
      lambda run, n, x: n == "momentum" and x < 0, NEGATIVE, level="should")
blind("negative_decay_accepted", "A negative weight_decay is accepted.", "no check",
      lambda run, n, x: n == "weight_decay" and x < 0, NEGATIVE, level="should")
blind("nan_lr_accepted", "nan is accepted as lr.", "no check",
      lambda run, n, x: n == "lr" and np.isnan(x), level="should")
blind("infinite_lr_accepted", "An infinite lr is accepted.", "no check",
      lambda run, n, x: x == np.inf, level="should")
blind("nan_momentum_accepted", "nan is accepted as momentum.", "no check",
      lambda run, n, x: n == "momentum" and np.isnan(x), level="should")
sparing("validates_first_group_only", "Only the first group is validated.", "defaults only",
        lambda run, group: group > 0, level="should")
sparing("late_group_not_validated", "A late group is not validated.", "constructor only",
        lambda run, group: hasattr(run, "states"), level="should")
fails("validate", ValueError, "lr must be positive")(
    "refuses_zero_lr", "lr = 0 is refused.", "> in place of >=",
    lambda run, h, group: not h.lr, level="should")
fails("validate", ValueError, "momentum must be between 0 and 0.5")(
    "refuses_usual_momentum", "A momentum above a half is refused.", "a range of its own",
    lambda run, h, group: h.momentum > 0.5)
around("validate")(
    "nesterov_with_dampening_accepted",
    "Nesterov's form with dampening is accepted, though not supported.", "`and` in place of `or`",
    lambda run, validate, h, group: validate(h._replace(nesterov=False), group),
    "pytorch/pytorch#887", level="should", without=frozenset({"nesterov_with_dampening"}))
# fmt: on


@defect("accumulated", "Bad values end in an AssertionError.", "assert", level="should")
class refuses_by_assertion(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        try:
            super().validate(h, group)
        except ValueError as error:
            raise AssertionError(str(error)) from None


@defect("accumulated", "Bad values are refused at the first step only.", "late", level="should")
class validates_at_first_step(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        if hasattr(self, "states"):
            super().validate(h, group)

    def move(self) -> None:
        for g, h in enumerate(self.hypers):
            self.validate(h, g)
        super().move()


@defect("accumulated", "Bad values are clamped in silence.", "max(0, x)", level="should")
class validates_by_clamping(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        pass

    def hyper(self, i: int) -> Hyper:
        h = super().hyper(i)
        return h.having(**{n: max(0.0, getattr(h, n)) for n in COMMON})
