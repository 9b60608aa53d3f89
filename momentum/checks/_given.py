"""Problems that are tried every time: what a setting allows of hyper-parameters asked for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict, Unpack

from hypothesis import strategies as st

from momentum.conventions import Hyper
from momentum.subjects.problems import Problem as Problem
from momentum.subjects.problems.strategies import Setting as Setting
from momentum.subjects.problems.strategies import problems as problems

Problems = Iterable[Problem]
Drawn = st.SearchStrategy[Problem]

Wanted = Mapping[str, float]
"""Hyper-parameters that are asked for; flags are 0 or 1."""

FULL: dict[str, float] = {
    "lr": 0.3,
    "momentum": 0.8,
    "dampening": 0.35,
    "weight_decay": 0.15,
    "nu": 0.6,
    "maximize": True,
}
"""Everything on, pairwise different; with Nesterov's form in NESTEROV."""

NESTEROV: dict[str, float] = {**FULL, "nesterov": True}

BOTH = (FULL, NESTEROV)

LATER = {"lr": 0.2, "momentum": 0.7}
"""Other numbers than FULL's, for a change in a run."""

CHANGED = {"lr": 0.11, "momentum": 0.55, "weight_decay": 0.27}
"""The same, of the decay too."""

VECTORS: tuple[tuple[int, ...], ...] = ((7,), (17,))


def hyper(setting: Setting, **wanted: float) -> Hyper:
    """The hyper-parameters asked for, as far as the setting has them; what is fixed stays."""
    return setting.facts.domain.combined(wanted)


def free(setting: Setting, *names: str) -> bool:
    """All these hyper-parameters can be chosen."""
    return setting.facts.domain.free.issuperset(names)


def changed(setting: Setting, h: Hyper, **wanted: float) -> Hyper:
    """Other values, in a run, for those that can be changed and are on."""
    able = setting.facts.settable & setting.facts.domain.free
    on = {n: x for n, x in wanted.items() if n in able and (n == "lr" or getattr(h, n))}
    return h.having(**on)


def revised(setting: Setting, h: Hyper, **wanted: float) -> Hyper:
    """Other values where they can be chosen at all; the combination stays a valid one."""
    return setting.facts.domain.combined({**h._asdict(), **wanted})


class More(TypedDict, total=False):
    """What a problem may have otherwise than usual. options: of the start."""

    kind: str
    groups: Sequence[int]
    missing: Iterable[tuple[int, int]]
    seed: int
    options: Mapping[str, object]


def run(
    setting: Setting,
    rows: Sequence[Hyper | tuple[Hyper, ...]],
    shapes: Sequence[tuple[int, ...]] = VECTORS,
    **more: Unpack[More],
) -> Problem:
    """A problem with one row of hyper-parameters a step."""
    return Problem(
        dtype=setting.dtype,
        shapes=tuple(shapes),
        hypers=tuple((r,) if isinstance(r, Hyper) else tuple(r) for r in rows),
        groups=tuple(more.get("groups") or (0,) * len(shapes)),
        kind=more.get("kind", "normal"),
        seed=more.get("seed", 1),
        missing=frozenset(more.get("missing", ())),
        options=tuple(more.get("options", {}).items()),
    )


def steady(
    setting: Setting,
    wanted: Iterable[Wanted],
    steps: int,
    shapes: Sequence[tuple[int, ...]] = VECTORS,
    **more: Unpack[More],
) -> list[Problem]:
    """A problem for each hyper-parameters wanted, which stay as they are. more: see `run`."""
    return [run(setting, [hyper(setting, **w)] * steps, shapes, **more) for w in wanted]


def apart(
    setting: Setting, row: Sequence[Hyper], shape: tuple[int, ...] = (5,), steps: int = 3
) -> Problem:
    """A group for each hyper-parameters, with one parameter; all of them of one shape."""
    return run(setting, [tuple(row)] * steps, [shape] * len(row), groups=range(len(row)))


def moving(
    setting: Setting,
    changes: Iterable[Wanted],
    shapes: Sequence[tuple[int, ...]] = VECTORS,
    **more: Unpack[More],
) -> list[Problem]:
    """Everything on, plain and with Nesterov's form, with what each step has otherwise."""
    steps = list(changes)
    starts = [hyper(setting, **w) for w in BOTH]
    return [run(setting, [changed(setting, h, **c) for c in steps], shapes, **more) for h in starts]
