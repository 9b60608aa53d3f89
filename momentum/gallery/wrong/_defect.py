"""What a defect is: an optimizer that is wrong on purpose, and the record of what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from momentum.conventions import CONVENTIONS, Hyper, State, get
from momentum.gallery.machine.machine import DTYPES, Machine, MachineRun
from momentum.subjects.protocol import Subject

Made = TypeVar("Made", bound=Callable[..., Any])
Moved = tuple[Any, Any]

RULE = {name: convention.rule for name, convention in CONVENTIONS.items()}


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
    level: Literal["must", "should"]
    convention: str
    build: Callable[[], Subject]
    dtypes: tuple[str, ...] = DTYPES


GALLERY: dict[str, Defect] = {}


def defect(
    convention: str,
    statement: str,
    cause: str = "",
    *,
    level: Literal["must", "should"] = "must",
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
        name = made.__name__
        told = get(convention)
        given = dict(machine)
        if isinstance(made, type):
            given["run"] = made
        elif whole:
            given["rule"] = made
        else:
            given["rule"] = _with_rule(convention, made)
        add(
            Defect(
                name=name,
                statement=statement,
                cause=cause or _how(made),
                refs=(),
                level=level,
                convention=convention,
                build=lambda: Machine(name=name, convention=told, dtypes=dtypes, **given),
                dtypes=dtypes,
            )
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


def add(record: Defect) -> None:
    """Put a record into the gallery. Raises: ValueError where the name is taken."""
    if record.name in GALLERY:
        raise ValueError(f"there are two defects called {record.name}")
    GALLERY[record.name] = record


def _with_rule(convention: str, rule: Any) -> Any:
    return replace(get(convention), rule=rule).step


def signed(grad: Any, h: Hyper) -> Any:
    """The gradient to descend along."""
    return -grad if h.maximize else grad


def decayed(theta: Any, grad: Any, h: Hyper) -> Any:
    """Gradient with coupled decay."""
    return grad + h.weight_decay * theta


def after(state: Any, v: Any) -> State:
    """The state after a step that left this velocity."""
    return State(state.step + 1, v)


def undecayed(h: Hyper) -> Hyper:
    """The hyper-parameters without decay."""
    return h._replace(weight_decay=0)


class RuleRun(MachineRun):
    """A run whose hyper-parameters go through `seen_by_rule` first."""

    def seen_by_rule(self, i: int, h: Hyper) -> Hyper:
        """What the rule is given for parameter i."""
        raise NotImplementedError

    def hyper(self, i: int) -> Hyper:
        return self.seen_by_rule(i, super().hyper(i))
