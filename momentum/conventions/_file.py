"""A convention from somebody's file: `path/to/file.py:name`."""

import re
import sys
from dataclasses import replace
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from momentum.conventions._convention import Convention

_ADDRESS = re.compile(r"(?P<path>.+\.py)(:(?P<name>[^:]*))?(:(?P<decay>[^:]*))?")


def is_file(which: str) -> bool:
    """Whether this is the address of a convention in a file."""
    return _ADDRESS.fullmatch(which) is not None


def from_file(which: str) -> Convention:
    """The convention at `file.py:name`, `file.py:name:decay`, or the only one in `file.py`.

    A file that has not changed is run once. Raises: ValueError.
    """
    address = _ADDRESS.fullmatch(which)
    if address is None:
        raise ValueError(f"{which}: wanted FILE.py:CONVENTION")
    path, name, decay = Path(address["path"]), address["name"], address["decay"]
    try:
        stamp = path.stat().st_mtime_ns
        if not path.is_file():
            raise ValueError(f"{path}: it is no file")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    module = _module(path.resolve(), stamp)
    found = {k: x for k, x in vars(module).items() if isinstance(x, Convention)}
    if name and name not in found:
        known = f"its conventions are {', '.join(found)}" if found else "it holds no Convention"
        raise ValueError(f"{path} has no convention {name!r}: {known}")
    if not name and len(found) != 1:
        known = f"{', '.join(found)}: say which, as {path}:NAME" if found else "no Convention"
        raise ValueError(f"{path} holds {known}")
    name = name or next(iter(found))
    convention = replace(found[name], address=f"{path}:{name}")
    return convention.with_decay(decay) if decay else convention


@cache
def _module(path: Path, stamp: int) -> ModuleType:
    """Run a file; `stamp` tells its versions apart."""
    name = f"_momentum_convention_{path.stem}_{stamp}"
    try:
        return run_file(path, name)
    except (Exception, SystemExit) as error:  # whatever a foreign file raises
        sys.modules.pop(name, None)
        text = " ".join(str(error).split())
        raise ValueError(f"{path}: raised {type(error).__name__}: {text}") from None


def run_file(path: Path, name: str) -> ModuleType:
    """The module that a Python file is, known by this name from its first line on."""
    spec = spec_from_file_location(name, path)
    assert spec is not None, "its name ends in .py"
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
