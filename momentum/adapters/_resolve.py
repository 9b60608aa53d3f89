"""From the words of a user to a Python object: targets and the values of options."""

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from momentum.adapters._record import of_module
from momentum.conventions._file import run_file
from momentum.errors import UsageError, did_you_mean

_IMPORTS = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)
_DEVICE = re.compile(r"[a-z]+(:\d+)?")


def literal(name: str, text: str) -> object:
    """The value of an option; a device's name needs no quotes.

    Raises: UsageError where it is no Python literal.
    """
    if name == "device" and _DEVICE.fullmatch(text):
        return text
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise UsageError(
            f"--set {name}={text[:80]}: wanted a Python literal, such as True, 0.9, None"
            f""" or text in quotes ({name}="'{text}'")"""
        ) from None


def resolve(target: str) -> object:
    """The object that a target names.

    Raises: UsageError.
    """
    place, colon, path = target.rpartition(":")
    if colon and place.endswith(".py"):
        module = in_file(place)
    elif colon:
        module = _import(place)
    else:
        module, path = _longest_module(target)
    obj: object = module
    for part in path.split(".") if path else ():
        try:
            obj = getattr(obj, part)
        except AttributeError:
            hint = did_you_mean(part, vars(obj) if hasattr(obj, "__dict__") else ())
            raise UsageError(f"{target}: {module.__name__} has no {path!r}{hint}") from None
    return obj


def _longest_module(target: str) -> tuple[ModuleType, str]:
    """`package.module.name` in two: as much of it as is a module, and the rest."""
    parts = target.split(".")
    if len(parts) < 2:
        raise UsageError(f"{target!r} is no target: wanted package.module:name or file.py:name")
    _prepare(parts[0])  # a search for its modules imports it
    for cut in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:cut])
        try:
            found = cut == 1 or importlib.util.find_spec(name) is not None
        except Exception:  # whatever a package does when it is imported: it is told further down
            found = False
        if found:
            return _import(name), ".".join(parts[cut:])
    raise AssertionError("the first part is always tried")


def _prepare(package: str) -> None:
    """Do what must be done before it is imported for the first time."""
    there = package not in sys.modules and importlib.util.find_spec(package) is not None
    record = of_module(package) if there else None
    if record is not None and record.prepare is not None:
        record.prepare()


def _import(name: str) -> ModuleType:
    _prepare(name.partition(".")[0])
    with _told(name):
        return importlib.import_module(name)


def in_file(place: str) -> ModuleType:
    """The module that a Python file is.

    Raises: UsageError.
    """
    path = Path(place)
    if not path.is_file():
        raise UsageError(f"there is no file {place!r}")
    text = path.read_text("utf-8", "replace")
    for package in dict.fromkeys(_IMPORTS.findall(text)):
        _prepare(package)
    sys.path.insert(0, str(path.resolve().parent))
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_{abs(hash(path.resolve()))}"
    with _told(place):
        return run_file(path, name)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Raises: UsageError for whatever a stranger's module does when it is imported."""
    try:
        yield
    except (Exception, SystemExit) as error:
        module = error.name if isinstance(error, ModuleNotFoundError) else None
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        why = _missing(what, module) if module else f"{what} cannot be imported: {text}"
        raise UsageError(why) from None


def _missing(what: str, module: str) -> str:
    root = module.partition(".")[0]
    record = of_module(module)
    if record is not None and record.extra:
        return f"{root} is not installed: pip install 'momentum-oracle[{record.extra}]'"
    if what == module or what.startswith(module + "."):
        return f"there is no module {module!r}"
    return f"{what} cannot be imported: it needs {module!r}"
