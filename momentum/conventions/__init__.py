"""The conventions: what frameworks compute under the name "momentum", one file each."""

from momentum.conventions import (
    accumulated,
    averaged,
    averaged_debiased,
    look_ahead,
    quasi_hyperbolic,
    scaled,
    two_point,
    zero_started,
)
from momentum.conventions._convention import Convention, Rule, Source, State
from momentum.conventions.hyper import Hyper

CONVENTIONS: dict[str, Convention] = {
    module.convention.name: module.convention
    for module in (
        accumulated,
        zero_started,
        scaled,
        averaged,
        averaged_debiased,
        quasi_hyperbolic,
        two_point,
        look_ahead,
    )
}

SPEAKERS: dict[str, Convention] = {
    speaker: convention.with_decay(decay)
    for convention in CONVENTIONS.values()
    for speaker, decay in convention.spoken_by.items()
}


def get(which: "str | Convention") -> Convention:
    """A convention by object, by name (`scaled`, `scaled:before`) or by speaker (`keras`).

    Raises: ValueError, naming the known ones.
    """
    if isinstance(which, Convention):
        return which
    if which in SPEAKERS:
        return SPEAKERS[which]
    name, _, decay = which.partition(":")
    base = CONVENTIONS.get(name) or SPEAKERS.get(name)
    if base is None:
        raise ValueError(
            f"unknown convention {which!r}: known are {', '.join(CONVENTIONS)}; "
            f"or say whose: {', '.join(sorted(SPEAKERS))}"
        )
    return base.with_decay(decay) if decay else base


__all__ = ["CONVENTIONS", "SPEAKERS", "Convention", "Hyper", "Rule", "Source", "State", "get"]
