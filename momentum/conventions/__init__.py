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
from momentum.conventions._file import from_file, is_file
from momentum.conventions._inverse import Found, Inverse, Scale, Wanted
from momentum.conventions._response import Response, summed
from momentum.conventions._speaker import Spelling
from momentum.conventions._text import READ, Step, expressed, point_of, symbols_of
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


def _spoken() -> dict[str, Convention]:
    return {
        speaker.name: convention.with_decay(speaker.decay)
        for convention in CONVENTIONS.values()
        for speaker in convention.speakers
    }


SPEAKERS: dict[str, Convention] = _spoken()


def get(which: "str | Convention") -> Convention:
    """A convention by object, by name (`scaled`, `scaled:before`), by speaker (`keras`) or by file.

    A file is `path/to/file.py:convention`, with a kind of decay or without.
    Raises: ValueError, naming the known ones.
    """
    if isinstance(which, Convention):
        return which
    if is_file(which):
        found = from_file(which)
        if found.name in CONVENTIONS:
            raise ValueError(f"{which} is called {found.name}, as one of the package is")
        return found
    if which in SPEAKERS:
        return SPEAKERS[which]
    name, _, decay = which.partition(":")
    base = CONVENTIONS.get(name) or _spoken().get(name)
    if base is None:
        raise ValueError(
            f"unknown convention {which!r}: known are {', '.join(CONVENTIONS)}; "
            f"or say whose: {', '.join(sorted(SPEAKERS))}; or FILE.py:CONVENTION"
        )
    return base.with_decay(decay) if decay else base


__all__ = [
    "CONVENTIONS",
    "READ",
    "SPEAKERS",
    "Convention",
    "Found",
    "Hyper",
    "Inverse",
    "Response",
    "Rule",
    "Scale",
    "Source",
    "Spelling",
    "State",
    "Step",
    "Wanted",
    "expressed",
    "get",
    "is_file",
    "point_of",
    "summed",
    "symbols_of",
]
