"""Hyper-parameters that are accepted or refused by mistake."""

from collections.abc import Callable
from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RuleRun, defect, reported

NUMBERS = ("lr", "momentum", "dampening", "weight_decay")


class _Blind(MachineRun):
    """Bad values of one hyper-parameter are not seen."""

    blind: Callable[[str, float], bool]

    def validate(self, h: Hyper, group: int) -> None:
        seen: dict[str, Any] = {
            n: 0.0 for n in NUMBERS if type(self).blind(n, float(getattr(h, n)))
        }
        super().validate(h._replace(**seen), group)


def _accepted(name: str, statement: str, refs: str, blind: Callable[[str, float], bool]) -> None:
    made: Any = type(name, (_Blind,), {"blind": staticmethod(blind), "__module__": __name__})
    globals()[name] = defect("accumulated", statement, "no check", level="should")(made)
    reported(refs)(made)


for _field, _word in (("lr", "lr"), ("momentum", "momentum"), ("weight_decay", "decay")):
    _accepted(
        f"negative_{_word}_accepted",
        f"A negative {_field} is accepted.",
        "tinygrad/tinygrad#15576 pytorch/pytorch#6000 pytorch/pytorch#33126",
        lambda n, x, field=_field: n == field and x < 0,  # type: ignore[misc]  # its default is not typed
    )
_accepted("nan_lr_accepted", "nan is accepted as lr.", "", lambda n, x: n == "lr" and np.isnan(x))
_accepted("infinite_lr_accepted", "An infinite lr is accepted.", "", lambda n, x: x == np.inf)
_accepted(
    "nan_momentum_accepted", "nan is accepted as momentum.", "",
    lambda n, x: n == "momentum" and np.isnan(x),
)  # fmt: skip


@reported("pytorch/pytorch#887")
@defect(
    "accumulated",
    "Nesterov's form with dampening is accepted, though not supported.",
    "`and` in place of `or`",
    level="should",
    without=frozenset({"nesterov_with_dampening"}),
)
class nesterov_with_dampening_accepted(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        super().validate(h._replace(nesterov=False), group)


@defect("accumulated", "Only the first group is validated.", "defaults only", level="should")
class validates_first_group_only(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        if group == 0:
            super().validate(h, group)


@defect("accumulated", "A late group is not validated.", "constructor only", level="should")
class late_group_not_validated(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        if not hasattr(self, "states"):
            super().validate(h, group)


@defect("accumulated", "lr = 0 is refused.", "> in place of >=", level="should")
class refuses_zero_lr(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        super().validate(h, group)
        if h.lr == 0:
            raise ValueError("lr must be positive")


@defect("accumulated", "A momentum above a half is refused.", "a range of its own")
class refuses_usual_momentum(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        super().validate(h, group)
        if h.momentum > 0.5:
            raise ValueError("momentum must be between 0 and 0.5")


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
class validates_by_clamping(RuleRun):
    def validate(self, h: Hyper, group: int) -> None:
        pass

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(**{n: max(0.0, getattr(h, n)) for n in NUMBERS})
