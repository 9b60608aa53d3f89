"""The implementations that the matrix knows: where each is, and which convention it claims."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path

import msgspec

from momentum.conventions import CONVENTIONS

KNOWN = Path(__file__).with_name("expected")


@dataclass(frozen=True)
class Implementation:
    """One implementation of SGD with momentum.

    target, settings: as the command `check` takes them. convention: its own. distribution: what
    installs it. module: what must be importable, the package of `target` by default.
    environment: variables that it reads when it is imported. dtypes: all it claims where empty.
    unchecked: why the checks are not run and the conventions alone are compared; empty where they
    are. released: versions that no package tells. here: whether a program can be run. known: the
    folder of its known failures.
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
    released: Mapping[str, str] = field(default_factory=dict)
    here: bool = True
    known: Path = KNOWN

    @property
    def installed(self) -> bool:
        """Whether it can be imported or run; nothing is."""
        if self.target.startswith("process:"):
            return self.here
        needed = self.module.split() or [self.target.partition(":")[0].partition(".")[0]]
        return all(util.find_spec(name) is not None for name in needed)

    @property
    def versions(self) -> dict[str, str]:
        """The version of its distribution, and of the backend that its name says."""
        found = dict(self.released)
        for name in () if self.released else self.distribution.split():
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


def _listed() -> list[Implementation]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["implementation"], list[Implementation])


IMPLEMENTATIONS: Mapping[str, Implementation] = {
    one.name: one for one in (*map(_ours, CONVENTIONS), *_listed())
}
"""By name, in the order of the tables."""
