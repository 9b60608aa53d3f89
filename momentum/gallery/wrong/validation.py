"""Hyper-parameters that are accepted or refused by mistake."""

from collections.abc import Callable
from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RuleRun, defect

NUMBERS = ("lr", "momentum", "dampening", "weight_decay")


class _Blind(MachineRun):
    """Bad values of one hyper-parameter are not seen."""

    blind: Callable[[str, float], bool]

    def validate(self, h: Hyper, group: int) -> None:
        seen: dict[str, Any] = {
            n: 0.0 for n in NUMBERS if type(self).blind(n, float(getattr(h, n)))
        }
        super().validate(h._replace(**seen), group)


def _accepted(name: str, statement: str, reports: str, blind: Callable[[str, float], bool]) -> None:
    made: Any = type(name, (_Blind,), {"blind": staticmethod(blind), "__module__": __name__})
    globals()[name] = defect("accumulated", statement, "no check", reports, level="should")(made)


for _field, _word in (("lr", "Lr"), ("momentum", "Momentum"), ("weight_decay", "Decay")):
    _accepted(
        f"Negative{_word}Accepted",
        f"A negative {_field} is accepted.",
        "R121",
        lambda n, x, field=_field: n == field and x < 0,  # type: ignore[misc]  # its default is not typed
    )
_accepted("NanLrAccepted", "nan is accepted as lr.", "", lambda n, x: n == "lr" and np.isnan(x))
_accepted("InfiniteLrAccepted", "An infinite lr is accepted.", "", lambda n, x: x == np.inf)
_accepted(
    "NanMomentumAccepted", "nan is accepted as momentum.", "",
    lambda n, x: n == "momentum" and np.isnan(x),
)  # fmt: skip


@defect(
    "accumulated",
    "Nesterov's form with dampening is accepted, though not supported.",
    "`and` in place of `or`",
    "R120",
    level="should",
    without=frozenset({"nesterov_with_dampening"}),
)
class NesterovWithDampeningAccepted(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        super().validate(h._replace(nesterov=False), group)


@defect("accumulated", "Only the first group is validated.", "defaults only", level="should")
class ValidatesFirstGroupOnly(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        if group == 0:
            super().validate(h, group)


@defect("accumulated", "A late group is not validated.", "constructor only", level="should")
class LateGroupNotValidated(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        if not hasattr(self, "states"):
            super().validate(h, group)


@defect("accumulated", "lr = 0 is refused.", "> in place of >=", level="should")
class RefusesZeroLr(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        super().validate(h, group)
        if h.lr == 0:
            raise ValueError("lr must be positive")


@defect("accumulated", "Bad values end in an AssertionError.", "assert", level="should")
class RefusesByAssertion(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        try:
            super().validate(h, group)
        except ValueError as error:
            raise AssertionError(str(error)) from None


@defect("accumulated", "Bad values are refused at the first step only.", "late", level="should")
class ValidatesAtFirstStep(MachineRun):
    def validate(self, h: Hyper, group: int) -> None:
        if hasattr(self, "states"):
            super().validate(h, group)

    def move(self) -> None:
        for g, h in enumerate(self.hypers):
            self.validate(h, g)
        super().move()


@defect("accumulated", "Bad values are clamped in silence.", "max(0, x)", level="should")
class ValidatesByClamping(RuleRun):
    def validate(self, h: Hyper, group: int) -> None:
        pass

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        return h._replace(**{n: max(0.0, getattr(h, n)) for n in NUMBERS})
