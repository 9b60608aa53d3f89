"""Functions of the hyper-parameters that return a step, or (init, update), as step functions."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from momentum.adapters import _shared
from momentum.adapters._functions import words
from momentum.adapters._shared import returned


def made_by(factory: Callable[..., object]) -> "Made | None":
    """The step of a factory that returns one, or (init, update); None where it returns neither.

    A step that is handed no velocity keeps one itself: it is taken as a class is.
    """
    made = returned(factory)
    if inspect.isfunction(made):
        roles = words.roles(inspect.signature(made).parameters)
        return Made(factory) if {"theta", "v", "grad"} <= {*roles} else None
    return Pair(factory) if _is_pair(made) else None


def _is_pair(made: object) -> bool:
    """Something with init(params) and update(...), by name or in this order."""
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


class Made:
    """The step that a factory makes, which takes the factory's hyper-parameters, too, by name."""

    def __init__(self, factory: Callable[..., object]) -> None:
        own = inspect.signature(factory).parameters.values()
        step = inspect.signature(self.stepping(returned(factory))).parameters.values()
        self.names = [p.name for p in own]
        told = [p.replace(kind=p.KEYWORD_ONLY) for p in own if p.name not in {u.name for u in step}]
        self.__signature__ = inspect.Signature([*step, *told])
        self._made = lru_cache(512)(lambda told: factory(**dict(told)))

    def __call__(self, *given: object, **named: Any) -> object:
        told = {n: named.pop(n) for n in self.names if n in named}
        return self.stepping(self._made(tuple(told.items())))(*given, **named)

    @staticmethod
    def stepping(made: Any) -> Callable[..., object]:
        """The function that takes the step."""
        return cast(Callable[..., object], made)


class Pair(Made):
    """The update of a factory's pair."""

    @staticmethod
    def stepping(made: Any) -> Callable[..., object]:
        """The second of the two."""
        return cast(Callable[..., object], _parts(made)[1])

    def init(self, theta: object, told: Mapping[str, Any]) -> object:
        """The first state. told: hyper-parameters by our names."""
        theirs = {**words.hypers(self.names)}
        own = {theirs[n]: x for n, x in told.items() if n in theirs}
        return _parts(self._made(tuple(own.items())))[0](theta)
