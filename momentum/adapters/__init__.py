"""From what a user names to a Subject; each framework is imported in its own file only."""

import os
import sys
from collections.abc import Mapping
from typing import cast

from momentum.adapters import process
from momentum.adapters._record import Adapter, adapters, foreign, versions
from momentum.adapters._resolve import in_file, literal, resolve
from momentum.errors import UsageError
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.settings import surroundings_kept

__all__ = ["Adapter", "adapt", "load", "versions"]


def load(target: str, settings: Mapping[str, str] | None = None) -> Subject:
    """The subject that a target names: `package.module:name`, `package.name`, `file.py:name`, or
    `process:COMMAND` for a program that speaks the protocol of `momentum.adapters.process`.

    settings: arguments that the caller fixes, each a Python literal (True, 0.9, 'text', None).
    Raises: UsageError, in one line, where something is wrong with either.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    fixed = {n: literal(n, text) for n, text in (settings or {}).items()}
    if target.startswith("process:"):
        return process.adapt(target.removeprefix("process:"), fixed, target)
    if target.endswith(".py") and ":" not in target:
        raise UsageError(_which(target))
    return adapt(resolve(target), fixed, target)


def _which(place: str) -> str:
    """A file without a name: what may have been meant."""
    module = in_file(place)
    found = [
        f"{place}:{name}"
        for name, obj in vars(module).items()
        if not name.startswith("_")
        and getattr(obj, "__module__", module.__name__) == module.__name__
        and (_is_subject(obj) or any(one.loaded and one.accepts(obj) for one in adapters()))
    ]
    if not found:
        return f"{place} has no optimizer that is known here; wanted {place}:NAME"
    return f"{place}: say which of its optimizers: {', '.join(found)}"


def _is_subject(obj: object) -> bool:
    return isinstance(getattr(obj, "facts", None), Facts) and callable(getattr(obj, "start", None))


def adapt(obj: object, fixed: Mapping[str, object], name: str) -> Subject:
    """The subject behind an optimizer class, factory or function; subjects stay as they are.

    Raises: UsageError where it is none, or the fixed arguments do not fit it.
    """
    if _is_subject(obj):
        if fixed:
            raise UsageError(f"{name} is a Subject already: --set {next(iter(fixed))} has no place")
        return cast(Subject, obj)
    for one in adapters():
        if one.loaded and one.accepts(obj):
            with surroundings_kept():
                return one.adapt(obj, fixed, name)
    far = "functions" if isinstance(obj, type) else "classes" if callable(obj) else ""
    taken = "; ".join(
        f"{one.name}: {one.takes}"
        for one in adapters()
        if one.takes and one.loaded and one.name != far
    )
    broken = "".join(f"; {why}" for why in foreign() if isinstance(why, str))
    cls = type(obj)
    if any(one.loaded and one.accepts(cls) for one in adapters()):
        raise UsageError(f"{name} is one object of {cls.__name__}: name the class, not an object")
    raise UsageError(
        f"{name} is {_kind(obj)}, no optimizer that is known here; wanted, of {taken}{broken}"
    )


def _kind(obj: object) -> str:
    if isinstance(obj, type):
        return "a class"
    known = callable(obj) and hasattr(obj, "__name__")
    return "a function" if known else f"an object of {type(obj).__name__}"
