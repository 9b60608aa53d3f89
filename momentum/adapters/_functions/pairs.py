"""Functions of the hyper-parameters that return (init, update), as one step function."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from momentum.adapters import _shared
from momentum.adapters._functions import words
from momentum.adapters._shared import returned


def makes_pairs(factory: object) -> bool:
    """Whether it returns something with init(params) and update(...), by name or in this order."""
    made = returned(factory)
    init, update = _parts(made)
    if not callable(init) or not callable(update) or _shared.comes_from(made, "optax"):
        return False
    try:
        return len(_required(init)) == 1 and len(inspect.signature(update).parameters) >= 2
    except (TypeError, ValueError):
        return False


def _required(function: Callable[..., object]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.default is p.empty]


def _parts(made: Any) -> tuple[Any, Any]:
    if isinstance(made, tuple) and len(made) == 2:
        return made[0], made[1]
    return getattr(made, "init", None), getattr(made, "update", None)


class Pair:
    """The update of a factory, which takes the factory's hyper-parameters, too, by name."""

    def __init__(self, factory: Callable[..., object]) -> None:
        own = inspect.signature(factory).parameters.values()
        update = inspect.signature(_parts(returned(factory))[1]).parameters.values()
        self.names = [p.name for p in own]
        told = [
            p.replace(kind=p.KEYWORD_ONLY) for p in own if p.name not in {u.name for u in update}
        ]
        self.__signature__ = inspect.Signature([*update, *told])
        self._made = lru_cache(512)(lambda told: _parts(factory(**dict(told))))

    def __call__(self, *given: object, **named: Any) -> object:
        told = {n: named.pop(n) for n in self.names if n in named}
        return self._made(tuple(told.items()))[1](*given, **named)

    def init(self, theta: object, told: Mapping[str, Any]) -> object:
        """The first state. told: hyper-parameters by our names."""
        theirs = {**words.hypers(self.names)}
        own = {theirs[n]: x for n, x in told.items() if n in theirs}
        return self._made(tuple(own.items()))[0](theta)
