"""The implementations that the matrix knows: where each is, and which convention it claims."""

import os
import shlex
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import metadata, util
from pathlib import Path

import msgspec

from momentum.conventions import CONVENTIONS, get
from momentum.errors import UsageError, did_you_mean

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Implementation:
    """One implementation of SGD with momentum.

    target, settings: as the command `check` takes them. convention: its own. distribution: what
    installs it. module: what must be importable, the package of `target` by default; of a program,
    a file that must be there, by its path from the list.
    environment: variables that it reads when it is imported. dtypes: all it claims where empty.
    unchecked: why the checks are not run and the conventions alone are compared; empty where they
    are. released: the version, where no package tells it. home: the folder of the list, in whose
    `expected` are its known failures.
    """

    name: str
    target: str
    convention: str
    distribution: str
    settings: Mapping[str, str] = field(default_factory=dict)
    module: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    unchecked: str = ""
    released: str = ""
    home: Path = HERE

    @property
    def installed(self) -> bool:
        """Whether it can be imported or run; nothing is."""
        if self.target.startswith("process:"):
            return self._runs
        needed = self.module.split() or [self.target.partition(":")[0].partition(".")[0]]
        return all(util.find_spec(name) is not None for name in needed)

    @property
    def _runs(self) -> bool:
        """Whether the program is here, with all variables of the environment that it names."""
        command = self.target.removeprefix("process:")
        try:
            found = shutil.which(shlex.split(command)[0])
        except (ValueError, IndexError):
            return False
        return found is not None and "$" not in command and (self.home / self.module).exists()

    @property
    def versions(self) -> dict[str, str]:
        """The version of its distribution, and of the backend that its name says."""
        if self.released:
            return {self.distribution: self.released}
        found = {}
        for name in self.distribution.split():
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = "?"
        return found


def _ours(convention: str) -> Implementation:
    return Implementation(
        f"momentum {convention}", "momentum.sgd:MomentumSGD", convention, "torch",
        {"convention": repr(convention)}, module="torch",
    )  # fmt: skip


def listed(path: Path) -> list[Implementation]:
    """What a TOML file lists; a target may name variables of the environment.

    Raises: UsageError where it cannot be read.
    """
    try:
        records = tomllib.loads(path.read_text(encoding="utf-8")).get("implementation", [])
        found = msgspec.convert(records, list[Implementation])
        for one in found:
            get(one.convention)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # msgspec's and tomllib's are ValueErrors
        raise UsageError(f"{path}: {error}") from None
    known = {one.name for one in fields(Implementation)} - {"home"}
    for key in (key for record in records for key in record):
        if key not in known:
            raise UsageError(f"{path}: unknown {key!r}{did_you_mean(key, known)}")
    return [replace(one, target=os.path.expandvars(one.target), home=path.parent) for one in found]


def programs(said: str) -> list[Implementation]:
    """A list, or one command, whose convention is that which it is nearest to.

    Raises: UsageError where the list cannot be read.
    """
    if said.endswith(".toml"):
        return listed(Path(said))
    return [Implementation(said, f"process:{said}", "", "")]


IMPLEMENTATIONS: Mapping[str, Implementation] = {
    one.name: one
    for one in (*map(_ours, CONVENTIONS), *listed(Path(__file__).with_suffix(".toml")))
}
"""By name, in the order of the tables."""
