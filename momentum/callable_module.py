"""Packages that are named for the one thing they do, and do it when called."""

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """A package whose call is its function of the same name: `momentum.identify(subject)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **kwargs)


def make_callable(name: str) -> None:
    """Let the package of that name be called like its function of the same name."""
    sys.modules[name].__class__ = _CallableModule
