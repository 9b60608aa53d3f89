"""Implementations in other languages, as programs behind the process protocol: further rows."""

import os
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from momentum.conventions import get
from momentum.errors import UsageError
from momentum.report.matrix.implementations import Implementation


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `[[program]]` of a TOML file. version: of what it runs. needs: a file without which it is
    not here, such as what a package or a compiler writes, by its path from the list.

    command: may name variables of the environment, and is not here where one of them is not set.
    """

    name: str
    command: str
    convention: str
    distribution: str
    version: str
    needs: str = ""
    unchecked: str = ""


class _List(msgspec.Struct, forbid_unknown_fields=True):
    program: list[Listed] = []


def programs(said: str) -> list[Implementation]:
    """The rows of a TOML list, or of one command, whose convention is that which it is nearest to.

    Raises: UsageError where the list cannot be read.
    """
    if not said.endswith(".toml"):
        return [Implementation(said, f"process:{said}", "", "")]
    path = Path(said)
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _List)
        return list(_rows(found, path))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # msgspec's and tomllib's are ValueErrors
        raise UsageError(f"{path}: {error}") from None


def _rows(listed: _List, path: Path) -> Iterator[Implementation]:
    for one in listed.program:
        get(one.convention)
        command = os.path.expandvars(one.command)
        there = "$" not in command and (not one.needs or (path.parent / one.needs).exists())
        yield Implementation(
            one.name, f"process:{command}", one.convention, one.distribution,
            unchecked=one.unchecked, released={one.distribution: one.version},
            here=there and runs(command), known=path.parent / "expected",
        )  # fmt: skip


def runs(command: str) -> bool:
    """Whether the program that a command names can be found."""
    try:
        return shutil.which(shlex.split(command)[0]) is not None
    except (ValueError, IndexError):
        return False
