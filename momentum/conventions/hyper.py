"""Hyper-parameters: their names, the flags among them, the value that leaves each out, and which
combinations are valid.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

V = TypeVar("V")


class Hyper(NamedTuple):
    """Hyper-parameters of one step; the numbers are of whatever type the rule runs over.

    lr: learning rate. momentum: weight of the old velocity. dampening: share of the gradient held
    back from the velocity. weight_decay: coefficient of the parameter in its decay. nu: weight of
    the velocity in the quasi-hyperbolic update. Units: none, all are pure numbers.
    """

    lr: Any
    momentum: Any = 0
    dampening: Any = 0
    weight_decay: Any = 0
    nesterov: bool = False
    maximize: bool = False
    nu: Any = 1

    def having(self, **values: Any) -> "Hyper":
        """The same with other values, of whatever type."""
        return self._replace(**values)

    def lifted(self, number: Callable[[Any], Any]) -> "Hyper":
        """The same hyper-parameters over another number type."""
        return Hyper(*(x if n in FLAGS else number(x) for n, x in zip(self._fields, self)))


NAMES = Hyper._fields

FLAGS = frozenset({"nesterov", "maximize"})
"""Those that are no numbers."""

NUMBERS = tuple(n for n in NAMES if n not in FLAGS)

COMMON = ("lr", "momentum", "dampening", "weight_decay")
"""The numbers of most optimizers, none of which may be below 0; only one convention has nu."""

NEUTRAL: Mapping[str, Any] = Hyper._field_defaults
"""The value that leaves a hyper-parameter out of the rule; a learning rate cannot be left out."""

EVERYWHERE = frozenset({"lr", "weight_decay", "maximize"})
"""What every convention knows: decay and sign come before its rule."""

LR, MOMENTUM = 0.1, 0.9
"""What is taken where one must be on and nobody says how large."""


def known(values: Mapping[str, V]) -> dict[str, V]:
    """The hyper-parameters among named values."""
    return {n: x for n, x in values.items() if n in NAMES}


@dataclass(frozen=True)
class Domain:
    """The combinations that can be asked of a subject.

    free: names that can be chosen. fixed: values that it has for good. together: it takes
    Nesterov's form with dampening. Valid is a combination in which

        nesterov    has a momentum, and no dampening unless both go together
        dampening   has a momentum: without, some rules dampen the gradient and some do not
        the rest    is free
    """

    free: frozenset[str]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    together: bool = False

    @classmethod
    def of(
        cls,
        hyper: Iterable[str],
        fixed: Mapping[str, object],
        knows: Iterable[str] = NAMES,
        together: bool = False,
    ) -> "Domain":
        """hyper: what a subject honours, fixed or not. knows: what the convention knows."""
        held = known(fixed)
        return cls(frozenset(hyper) & frozenset(knows) - held.keys(), held, together)

    def value(self, name: str) -> Any:
        """What a hyper-parameter is for good, or its neutral value."""
        return self.fixed.get(name, NEUTRAL.get(name))

    def never(self, name: str) -> str | None:
        """Why a hyper-parameter cannot be on, None where it can."""
        if name in self.fixed:
            same = name in NEUTRAL and self.fixed[name] == NEUTRAL[name]
            return f"{name} is fixed to {self.fixed[name]}" if same else None
        if name not in self.free:
            return f"takes no {name}"
        if name in ("nesterov", "dampening"):
            other = "dampening" if name == "nesterov" else "nesterov"
            if self.fixed.get(other) and not self.together:
                return f"takes no {name} with {other}, which is fixed to {self.fixed[other]}"
            if without := self.never("momentum"):
                return f"{without}, without which there is no {name}"
        return None

    @property
    def empty(self) -> str | None:
        """Why no combination is valid, None where there are some."""
        for name in ("dampening", "nesterov"):
            if self.fixed.get(name) and self.never("momentum"):
                return f"{name} {self.fixed[name]} without momentum has no agreed meaning"
        if self.fixed.get("nesterov") and self.fixed.get("dampening") and not self.together:
            return "takes no nesterov with dampening, and both are fixed"
        return None

    def combined(self, wanted: Mapping[str, object]) -> Hyper:
        """The valid combination next to what is wanted: free values as they are, fixed ones kept.

        What is fixed brings along the momentum that it needs, and so does a wanted Nesterov's form;
        what is only wanted gives way to what is fixed, and dampening to Nesterov's form.
        """
        values: dict[str, Any] = {"lr": LR, **NEUTRAL}
        values |= {n: x for n, x in wanted.items() if n in self.free}
        values |= self.fixed
        needs = values["nesterov"] or self.fixed.get("dampening")
        if needs and not values["momentum"] and "momentum" in self.free:
            values["momentum"] = MOMENTUM
        off = [] if values["momentum"] else ["nesterov", "dampening"]
        if values["nesterov"] and values["dampening"] and not self.together:
            off.append("nesterov" if self.fixed.get("dampening") else "dampening")
        values |= {n: NEUTRAL[n] for n in off if n not in self.fixed}
        return Hyper(**values)
