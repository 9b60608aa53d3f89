"""What a defect is: an optimizer that is wrong on purpose, and the record of what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from momentum.conventions import Rule, get
from momentum.gallery.machine.machine import DTYPES, Machine, MachineRun
from momentum.gallery.machine.number import Working
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


class Parts(TypedDict, total=False):
    """What a machine may have otherwise; see Machine."""

    run: type[MachineRun]
    hyper: frozenset[str]
    fixed_after_start: frozenset[str]
    dtypes: tuple[str, ...]
    working: Working
    without: frozenset[str]


class Declared(Parts, total=False):
    """What a defect may say besides; see `defect`."""

    level: Level
    whole: bool


def defect(
    convention: str,
    statement: str,
    cause: str = "",
    refs: str = "",
    level: Level = "must",
    whole: bool = False,
    name: str = "",
    **parts: Unpack[Parts],
) -> Callable[[Made], Made]:
    """Register a wrong rule or a wrong run; its name is the defect's, as reports print it.

    name: where it has none of its own.
    cause: how it comes about; the docstring, where it is longer than a few words.
    whole: the function is a whole step, sign and decay included, not just the convention's rule.
    Raises: ValueError where the name is taken.
    """

    def register(made: Made) -> Made:
        called, told = name or made.__name__, get(convention)
        machine = Machine(called, told, **parts)
        if isinstance(made, type):
            machine = replace(machine, run=made)
        else:
            machine = replace(machine, rule=made if whole else replace(told, rule=made).step)
        if called in GALLERY:
            raise ValueError(f"there are two defects called {called}")
        GALLERY[called] = Defect(
            name=called,
            statement=statement,
            cause=cause or _how(made),
            refs=tuple(refs.split()),
            level=level,
            convention=convention,
            build=lambda: replace(machine, memory={}),
            dtypes=machine.dtypes,
        )
        return made

    return register


def _how(made: object) -> str:
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


Method = Callable[..., Any]
"""A method of a run, or what a defect puts into one."""


@dataclass(frozen=True)
class Family:
    """Defects that differ in one thing: each is declared in one call.

    name: the method, or attribute, of a run that is another. stands: how what a defect gives stands
    in it: from that, the run, the method as it should be, and its arguments; in its place by
    default.
    """

    name: str
    stands: Method | None = None
    run: type[MachineRun] = MachineRun

    def __call__(
        self,
        name: str,
        statement: str,
        cause: str,
        change: object,
        refs: str = "",
        convention: str = "accumulated",
        **how: Unpack[Declared],
    ) -> None:
        """Register one. change: what it gives; how: as in `defect`."""
        defect(convention, statement, cause, refs=refs, **how)(self.made(change, name))

    def made(self, change: object, name: str = "machine") -> type[MachineRun]:
        """A run of the family."""
        given = change if self.stands is None else self._method(self.stands, change)
        return type(name, (self.run,), {self.name: given})

    def _method(self, stands: Method, change: object) -> Method:
        right = getattr(self.run, self.name)

        def method(run: MachineRun, *arguments: object) -> object:
            return stands(change, run, partial(right, run), *arguments)

        return method


def family(name: str) -> Callable[[Method], Family]:
    """The family whose defects stand in a method as this function says."""
    return partial(Family, name)


def wrong_rule(
    name: str,
    statement: str,
    cause: str,
    change: Rule,
    refs: str = "",
    convention: str = "accumulated",
    **how: Unpack[Declared],
) -> None:
    """Register a rule that is declared in one call; how: as in `defect`."""
    defect(convention, statement, cause, refs=refs, name=name, **how)(change)
