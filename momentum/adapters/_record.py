"""The record of a framework, and the list of all: ours, and those that others bring."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from momentum.adapters._shared import comes_from
from momentum.subjects.protocol import Subject

GROUP = "momentum.adapters"
"""Entry points of this group name an Adapter each."""


def _refused(obj: object, fixed: Mapping[str, object], name: str) -> Subject:
    raise AssertionError(f"{name} was never accepted")


@dataclass(frozen=True)
class Adapter:
    """One framework: what it is called, what brings it, how its optimizers become subjects.

    name: as people write it. takes: what it takes, in words. module: its top package, without
    which an object of it cannot exist; empty where it needs none. distributions: module -> the
    names under which it is installed, those beside the framework too whose versions matter.
    extra: ours that installs it, empty where there is none. accepts(obj): whether it is one of its
    optimizers. adapt(obj, fixed, name): the subject; UsageError where the fixed arguments do not
    fit. prepare: what must be done before `module` is imported. rank: above 0 where it also
    takes what it cannot know to be its own, and is asked after those below. speakers: names under
    which conventions list it.
    """

    name: str
    takes: str
    module: str
    distributions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: str = ""
    accepts: Callable[[Any], bool] = lambda obj: False
    adapt: Callable[[Any, Mapping[str, object], str], Subject] = _refused
    prepare: Callable[[], None] | None = None
    rank: int = 0
    speakers: tuple[str, ...] = ()

    @property
    def loaded(self) -> bool:
        """Whether an object of it can exist."""
        return not self.module or self.module in sys.modules


def framework(module: str, name: str = "", **more: Any) -> Adapter:
    """The record of a framework whose distribution, extra and speaker are called as its module."""
    said = {
        "takes": "an optimizer class",
        "distributions": {module: (module,)},
        "extra": module,
        "speakers": (module,),
    }
    return Adapter(**{"name": name or module, "module": module, **said, **more})


def callables_of(package: str) -> Callable[[object], bool]:
    """Whether something can be called, and is defined in this package."""
    return lambda obj: callable(obj) and comes_from(obj, package)


def classes_of(package: str) -> Callable[[object], bool]:
    """Whether something is a class, and it or a base of it is defined in this package."""
    return lambda obj: isinstance(obj, type) and comes_from(obj, package)


@cache
def own() -> tuple[Adapter, ...]:
    """The records of this package: `ADAPTER` in each of its files that has one."""
    here = str(Path(__file__).parent)
    files = sorted(m.name for m in pkgutil.iter_modules([here]) if not m.name.startswith("_"))
    modules = (importlib.import_module(f"momentum.adapters.{name}") for name in files)
    return tuple(m.ADAPTER for m in modules if hasattr(m, "ADAPTER"))


def foreign() -> Iterator[Adapter | str]:
    """The records that other distributions register, or why one cannot be had."""
    for point in metadata.entry_points(group=GROUP):
        try:
            record = point.load()
        except Exception as error:  # whatever a stranger's module does when it is imported
            yield f"adapter {point.value} cannot be loaded: {type(error).__name__}: {error}"
            continue
        if isinstance(record, Adapter):
            yield record
        else:
            yield f"adapter {point.value} is {type(record).__name__}, wanted momentum.Adapter"


@cache
def adapters() -> tuple[Adapter, ...]:
    """All records in the order in which they are asked."""
    others = [one for one in foreign() if isinstance(one, Adapter)]
    return tuple(sorted((*own(), *others), key=lambda one: one.rank))


def of_module(module: str) -> Adapter | None:
    """The record of a top package."""
    return next((one for one in adapters() if one.module == module), None)


def versions() -> dict[str, str]:
    """Distributions of all frameworks that are imported, with their versions."""
    found: dict[str, str] = {}
    for one in adapters():
        for module, names in one.distributions.items():
            if module in sys.modules:
                found |= dict([_version(module, names)])
    return found


def _version(module: str, names: tuple[str, ...]) -> tuple[str, str]:
    for name in names:
        try:
            return name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return names[0], str(getattr(sys.modules[module], "__version__", "?"))
