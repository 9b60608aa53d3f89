"""The conventions: what frameworks compute under the name "momentum", one file each."""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from momentum.conventions._convention import Convention, Source
from momentum.conventions._file import from_file, is_file
from momentum.conventions._inverse import Found, Inverse, Scale, Wanted
from momentum.conventions._response import Response, summed
from momentum.conventions._rule import Moved, Rule, State
from momentum.conventions._speaker import Spelling
from momentum.conventions._text import READ, Step, expressed, point_of, symbols_of
from momentum.conventions.hyper import Hyper
from momentum.errors import did_you_mean

ORDER = (
    *("accumulated", "zero_started", "scaled", "averaged", "averaged_debiased"),
    *("quasi_hyperbolic", "two_point", "look_ahead"),
)
"""In which they are told; each is a file."""

CONVENTIONS: dict[str, Convention] = {
    name: import_module(f"{__name__}.{name}").convention for name in ORDER
}

ALIASES = {
    "pytorch": "torch",
    "tensorflow": "keras",
    "tf": "keras",
    "tf.keras": "keras",
    "tensorflow1": "tf1",
    "scikit-learn": "sklearn",
    "paddlepaddle": "paddle",
    "optimisers.jl": "flux",
    "apple-mlx": "mlx",
    "sutskever2013": "sutskever",
    "the-article": "article",
}
"""Other names of speakers, in lower case."""

_VARIANTS: dict[str, Callable[[Convention], Convention]] = {
    ":nesterov": Convention.in_nesterov_form,
    ":differences": Convention.with_differences,
}
"""What a name may end with, and what it makes of a convention: the last one first."""


def get(which: "str | Convention") -> Convention:
    """A convention by object, by name (`scaled`, `scaled:before`), by speaker (`keras`) or by file.

    A file is `path/to/file.py:convention`, with a kind of decay or without. `:nesterov` at the end
    is the convention for what always takes Nesterov's form, and has no flag for it. `:differences`
    has a bound that covers a velocity that is a difference of iterates.
    Raises: ValueError, naming the known ones.
    """
    if isinstance(which, Convention):
        return which
    for ending, variant in _VARIANTS.items():
        if which.endswith(ending):
            return variant(get(which.removesuffix(ending)))
    if is_file(which):
        found = from_file(which)
        if found.name in CONVENTIONS:
            raise ValueError(f"{which} is called {found.name}, as one of the package is")
        return found
    if which in CONVENTIONS:
        return CONVENTIONS[which]
    name, _, decay = which.strip().partition(":")
    name = named(name)
    base = CONVENTIONS.get(name) or _spoken(*CONVENTIONS).get(name)
    if base is None:
        spoken = _spoken(*CONVENTIONS)
        hint = did_you_mean(name, (*CONVENTIONS, *spoken, *ALIASES))
        whose = "" if hint else f"; or say whose: {', '.join(sorted(spoken))}"
        raise ValueError(
            f"unknown convention {which!r}{hint or ':'} known are {', '.join(CONVENTIONS)}{whose};"
            " or FILE.py:CONVENTION"
        )
    return base.with_decay(decay) if decay else base


def named(word: str) -> str:
    """The name as this package spells it, of a convention or speaker in any case or by an alias."""
    lower = word.strip().lower()
    spelled = {name.lower(): name for name in (*CONVENTIONS, *_spoken(*CONVENTIONS))}
    return spelled.get(ALIASES.get(lower, lower), word)


@lru_cache(maxsize=2)
def _spoken(*names: str) -> dict[str, Convention]:
    """What each speaker means, its kind of decay included."""
    return {s.name: c.with_decay(s.decay) for c in map(CONVENTIONS.__getitem__, names)
            for s in c.speakers}  # fmt: skip


SPEAKERS = _spoken(*CONVENTIONS)

__all__ = [
    "ALIASES",
    "CONVENTIONS",
    "READ",
    "SPEAKERS",
    "Convention",
    "Found",
    "Hyper",
    "Inverse",
    "Moved",
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
    "named",
    "point_of",
    "summed",
    "symbols_of",
]
