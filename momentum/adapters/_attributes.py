"""Where an object of somebody's own class keeps its numbers: they can be changed in a run."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from momentum.adapters import _shared
from momentum.adapters._functions.words import SPOKEN

_FORM = re.compile("^(current|base|initial)_")
"""What names begin with where one number is made of another: at every step, or at first."""


class _Attributes(MutableMapping[str, Any]):
    """What is kept in an object under names: properties that can be set, its dict, its slots."""

    def __init__(self, made: object) -> None:
        self.made = made
        classes = type(made).__mro__
        held = [
            n for c in classes for n, x in vars(c).items() if isinstance(x, property) and x.fset
        ]
        slots = [getattr(c, "__slots__", ()) for c in classes]
        held += [n for one in slots for n in ((one,) if isinstance(one, str) else one)]
        self.names = dict.fromkeys(n for n in held if _can_be_read(made, n))

    def __getitem__(self, name: str) -> Any:
        return getattr(self.made, name)

    def __setitem__(self, name: str, value: object) -> None:
        setattr(self.made, name, value)

    def __delitem__(self, name: str) -> None:
        delattr(self.made, name)

    def __iter__(self) -> Iterator[str]:
        return iter({**self.names, **getattr(self.made, "__dict__", {})})

    def __len__(self) -> int:
        return len(list(iter(self)))


def _can_be_read(made: object, name: str) -> bool:
    """It is there, and a property that raises for want of something is not."""
    try:
        getattr(made, name)
    except Exception:  # whatever a stranger's property raises
        return False
    return True


def keeping(made: object) -> list[MutableMapping[str, Any]]:
    """Where an object may keep its numbers: attributes, and groups as torch's optimizers do."""
    groups = getattr(made, "param_groups", ())
    found = groups if isinstance(groups, list | tuple) else ()
    return [_Attributes(made), *(group for group in found if isinstance(group, dict))]


def attributes(kept: Mapping[str, object]) -> dict[str, list[str]]:
    """The hyper-parameters that are kept so: our name -> theirs, and those of the same number."""
    numbers = [n for n, x in kept.items() if isinstance(x, float)]
    called: dict[str, list[str]] = {}
    for n in numbers:
        called.setdefault(_FORM.sub("", n), []).append(n)
    return {ours: called[theirs] for ours, theirs in _shared.known_names(called, SPOKEN).items()}
