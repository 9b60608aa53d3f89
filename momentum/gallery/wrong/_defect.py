"""What a defect is: an optimizer that is wrong on purpose, and the record of what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from momentum.arithmetic.number import Number
from momentum.conventions import Hyper, Moved, Rule, State, get
from momentum.gallery.machine.machine import DTYPES, Machine, MachineRun
from momentum.subjects.protocol import Subject

Made = TypeVar("Made", bound=Callable[..., Any])
Level = Literal["must", "should"]


@dataclass(frozen=True)
class Defect:
    """A wrong optimizer.

    statement: what is wrong. cause: how it comes about. refs: where it was reported,
    owner/repository#number, none where it is ours. level: must (spoils a training) or should
    (hygiene). convention: the one it pretends to be, as `conventions.get` reads it. build: a new
    Subject. dtypes: those that it claims.
    """

    name: str
    statement: str
    cause: str
    refs: tuple[str, ...]
    level: Level
    convention: str
    build: Callable[[], Subject]
    dtypes: tuple[str, ...] = DTYPES


GALLERY: dict[str, Defect] = {}


def defect(
    convention: str,
    statement: str,
    cause: str = "",
    *,
    refs: str = "",
    level: Level = "must",
    whole: bool = False,
    dtypes: tuple[str, ...] = DTYPES,
    **machine: Any,
) -> Callable[[Made], Made]:
    """Register a wrong rule or a wrong run; its name is the defect's, as reports print it.

    cause: how it comes about; the docstring, where it is longer than a few words.
    whole: the function is a whole step, sign and decay included, not just the convention's rule.
    machine: further arguments of Machine. Raises: ValueError where the name is taken.
    """

    def register(made: Made) -> Made:
        name, told = made.__name__, get(convention)
        if isinstance(made, type):
            given: dict[str, Any] = {"run": made}
        else:
            given = {"rule": made if whole else replace(told, rule=made).step}
        if name in GALLERY:
            raise ValueError(f"there are two defects called {name}")

        def build() -> Subject:
            return Machine(name=name, convention=told, dtypes=dtypes, **machine, **given)

        GALLERY[name] = Defect(
            name=name,
            statement=statement,
            cause=cause or _how(made),
            refs=tuple(refs.split()),
            level=level,
            convention=convention,
            build=build,
            dtypes=dtypes,
        )
        return made

    return register


def _how(made: Any) -> str:
    """The cause that a docstring tells, as it reads within a sentence."""
    told = (made.__doc__ or "").removesuffix(".")
    return told[:1].lower() + told[1:]


def reported(refs: str) -> Callable[[Made], Made]:
    """Say of a defect where it was reported: owner/repository#number, as many as there are."""

    def register(made: Made) -> Made:
        name = made.__name__
        GALLERY[name] = replace(GALLERY[name], refs=tuple(refs.split()))
        return made

    return register


@dataclass(frozen=True)
class Family:
    """Defects that differ in one method, or attribute, of a run: each is declared in one call."""

    run: type[MachineRun]
    method: str

    def __call__(
        self,
        name: str,
        statement: str,
        cause: str,
        change: Any,
        refs: str = "",
        *,
        convention: str = "accumulated",
        **how: Any,
    ) -> None:
        """Register one. change: what stands for the method; how: as in `defect`."""
        made = type(name, (self.run,), {self.method: change, "__module__": self.run.__module__})
        defect(convention, statement, cause, refs=refs, **how)(made)


def wrong_rule(
    name: str,
    statement: str,
    cause: str,
    change: Rule,
    refs: str = "",
    *,
    convention: str = "accumulated",
    **how: Any,
) -> None:
    """Register a rule that is declared in one call; how: as in `defect`."""

    def rule(theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        return change(theta, grad, state, h)

    rule.__name__ = name
    defect(convention, statement, cause, refs=refs, **how)(rule)
