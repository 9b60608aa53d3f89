"""Problems that are tried every time: what a setting allows of hyper-parameters asked for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from momentum.conventions import Hyper
from momentum.subjects.problems import Problem as Problem
from momentum.subjects.problems.strategies import Setting as Setting
from momentum.subjects.problems.strategies import problems as problems

Problems = Sequence[Problem]
Drawn = st.SearchStrategy[Problem]

FULL: dict[str, Any] = {
    "lr": 0.3,
    "momentum": 0.8,
    "dampening": 0.35,
    "weight_decay": 0.15,
    "nu": 0.6,
    "maximize": True,
}
"""Everything on, pairwise different; with Nesterov's form in NESTEROV."""

NESTEROV: dict[str, Any] = {**FULL, "nesterov": True}

BOTH = (FULL, NESTEROV)

LATER = {"lr": 0.2, "momentum": 0.7}
"""Other numbers than FULL's, for a change in a run."""

CHANGED = {"lr": 0.11, "momentum": 0.55, "weight_decay": 0.27}
"""The same, of the decay too."""

VECTORS: tuple[tuple[int, ...], ...] = ((7,), (17,))


def hyper(setting: Setting, **wanted: Any) -> Hyper:
    """The hyper-parameters asked for, as far as the setting has them; what is fixed stays."""
    return setting.facts.domain.combined(wanted)


def free(setting: Setting, *names: str) -> bool:
    """All these hyper-parameters can be chosen."""
    return setting.facts.domain.free.issuperset(names)


def changed(setting: Setting, h: Hyper, **wanted: Any) -> Hyper:
    """Other values, in a run, for those that can be changed and are on."""
    able = setting.facts.settable & setting.facts.domain.free
    on = {n: x for n, x in wanted.items() if n in able and (n == "lr" or getattr(h, n))}
    return h._replace(**on)


def revised(setting: Setting, h: Hyper, **wanted: Any) -> Hyper:
    """Other values where they can be chosen at all; the combination stays a valid one."""
    return setting.facts.domain.combined({**h._asdict(), **wanted})


def run(
    setting: Setting,
    rows: Sequence[Hyper | tuple[Hyper, ...]],
    shapes: Sequence[tuple[int, ...]] = VECTORS,
    *,
    kind: str = "normal",
    groups: Sequence[int] | None = None,
    missing: Iterable[tuple[int, int]] = (),
    seed: int = 1,
    **options: Any,
) -> Problem:
    """A problem with one row of hyper-parameters a step. options: of the start."""
    return Problem(
        dtype=setting.dtype,
        shapes=tuple(shapes),
        hypers=tuple((r,) if isinstance(r, Hyper) else tuple(r) for r in rows),
        groups=tuple(groups or (0,) * len(shapes)),
        kind=kind,
        seed=seed,
        missing=frozenset(missing),
        options=tuple(options.items()),
    )


def steady(
    setting: Setting,
    wanted: Iterable[Mapping[str, Any]],
    steps: int,
    shapes: Sequence[tuple[int, ...]] = VECTORS,
    **more: Any,
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
    changes: Iterable[Mapping[str, Any]],
    shapes: Sequence[tuple[int, ...]] = VECTORS,
    **more: Any,
) -> list[Problem]:
    """Everything on, plain and with Nesterov's form, with what each step has otherwise."""
    steps = list(changes)
    starts = [hyper(setting, **w) for w in BOTH]
    return [run(setting, [changed(setting, h, **c) for c in steps], shapes, **more) for h in starts]
