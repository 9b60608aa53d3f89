"""Who speaks which convention, as a conversion reads and writes it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from momentum.conventions import CONVENTIONS, SPEAKERS, Convention, Hyper, Spelling, get, named
from momentum.conventions.hyper import NAMES, NUMBERS


class Speaker(NamedTuple):
    """A convention with its kind of weight decay, and how somebody spells it."""

    convention: Convention
    spelling: Spelling

    @property
    def name(self) -> str:
        """Who speaks; a convention for itself."""
        return self.spelling.name

    @property
    def names(self) -> Mapping[str, str]:
        """Own spelling of each hyper-parameter that the API has, and of no other."""
        return self.spelling.names

    @property
    def dampened_nesterov(self) -> bool:
        """Dampening and Nesterov's form may both be set."""
        return self.spelling.dampened_nesterov

    def takes(self, name: str) -> bool:
        """Whether the API has this hyper-parameter."""
        return name in self.names

    def canonical(self, spelling: str) -> str:
        """The name of a hyper-parameter from either spelling.

        Raises: ValueError, naming the known ones.
        """
        if spelling == self.spelling.kept:
            return "kept"
        for name, own in self.names.items():
            if spelling in (name, own):
                return name
        known = ", ".join(self.names.values())
        raise ValueError(f"{self.name} has no {spelling}: known are {known}")


def speaker(which: "str | Convention | Speaker") -> Speaker:
    """A speaker by name; a convention speaks with all hyper-parameters that its rule has.

    Raises: ValueError for an unknown name.
    """
    if isinstance(which, Speaker):
        return which
    if isinstance(which, str):
        which = named(which)
    convention = get(which)
    for spelling in convention.speakers:
        if spelling.name == which:
            return Speaker(convention, spelling)
    names = {name: name for name in (*NUMBERS, *NAMES) if name in convention.knows}
    full = convention.full_name
    return Speaker(convention, Spelling(full, names, f"{full}({{}})", dampened_nesterov=True))


def speakers() -> tuple[str, ...]:
    """Every name that `speaker` knows, conventions first."""
    return (*CONVENTIONS, *SPEAKERS)


def in_own_units(who: Speaker, h: Hyper, name: str) -> Any:
    """A hyper-parameter as the speaker counts it."""
    value = getattr(h, name)
    if name == "lr" and who.spelling.unit_gain:
        return value / (1 - h.momentum)
    return value * h.lr if name == "weight_decay" and who.spelling.per_step else value
