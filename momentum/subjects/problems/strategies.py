"""Hypothesis strategies for problems, for the checks and for people who write their own properties.

from hypothesis import given
from momentum.problems.strategies import Setting, problems

@given(problems(Setting.of(subject, "torch", "float32"), schedule=("lr",)))
def test_my_property(problem): ...
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from momentum.conventions import Convention, Hyper, get
from momentum.conventions.hyper import NEUTRAL
from momentum.subjects.problems.recorded import Problem
from momentum.subjects.protocol import Facts, Subject

EFFORTS = {"quick": 4, "normal": 25, "deep": 250}
"""Random problems a check and dtype."""

SIZES: tuple[tuple[int, ...], ...] = (
    (),
    *((n,) for n in (0, 1, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65)),
)
MATRICES: tuple[tuple[int, ...], ...] = ((3, 5), (5, 3), (2, 3, 4), (1, 1), (9, 2), (4, 0))
FEW: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (17,), (64,), (3, 5), (2, 3, 4))
"""Drawn in a quick run where each costs a compilation: nothing, one, odd, even, axes."""


@dataclass(frozen=True)
class Setting:
    """What problems are drawn for: what a subject takes, the dtype and the effort.

    facts: the subject's, with those hyper-parameters alone that the convention knows.
    """

    facts: Facts
    dtype: str
    effort: str = "normal"

    @classmethod
    def of(
        cls, subject: Subject, convention: str | Convention, dtype: str, effort: str = "normal"
    ) -> "Setting":
        """The setting of a subject under a convention."""
        facts, known = subject.facts, get(convention).knows
        settable = facts.settable & known - facts.fixed.keys()
        return cls(replace(facts, hyper=facts.hyper & known, settable=settable), dtype, effort)

    @property
    def pool(self) -> list[tuple[int, ...]]:
        """The shapes that are drawn from."""
        drawn = FEW if self.facts.compiles and self.effort == "quick" else SIZES + MATRICES
        return [s for s in drawn if self.allows(s)]

    def allows(self, shape: tuple[int, ...]) -> bool:
        """A parameter of this shape can be tried."""
        facts, size = self.facts, math.prod(shape)
        return (
            (facts.scalars or shape != ()) and (facts.empty or size > 0) and size <= facts.largest
        )


def rates() -> st.SearchStrategy[float]:
    """Learning rates, 0.001 to 0.4: decimal, so that no binary format holds most of them."""
    return st.integers(1, 400).map(lambda k: k / 1000)


def fractions() -> st.SearchStrategy[float]:
    """Momenta, dampenings and nu, 0.01 to 0.99."""
    return st.integers(1, 99).map(lambda k: k / 100)


_DRAWN: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    "lr": rates,
    "momentum": lambda: fractions() | st.just(0.9),
    "dampening": fractions,
    "weight_decay": rates,
    "nu": fractions,
    "nesterov": lambda: st.just(True),
    "maximize": lambda: st.just(True),
}


@st.composite
def hypers(
    draw: st.DrawFn, setting: Setting, with_: Sequence[str] = (), without: Sequence[str] = ()
) -> Hyper:
    """Hyper-parameters in all combinations that the setting allows.

    with_: names that must be on (so far as the setting has them); without: names that must be off.
    """
    values: dict[str, Any] = {"lr": draw(rates())}
    for name, neutral in NEUTRAL.items():
        forced = name in with_
        on = name in setting.facts.hyper and name not in without
        if on and not forced:
            on = bool(draw(st.integers(0, 7 if name == "momentum" else 1)))
        values[name] = draw(_DRAWN[name]()) if on else neutral
    return setting.facts.domain.combined(values)


@st.composite
def problems(
    draw: st.DrawFn,
    setting: Setting,
    *,
    steps: tuple[int, int] = (1, 12),
    schedule: Sequence[str] = (),
    with_: Sequence[str] = (),
    without: Sequence[str] = (),
    shapes: Sequence[tuple[int, ...]] | None = None,
    kinds: Sequence[str] = ("normal", "from_zero", "dyadic"),
    groups: int = 1,
    missing: bool = False,
    options: tuple[tuple[str, object], ...] = (),
) -> Problem:
    """Problems for one setting.

    steps: fewest and most. schedule: hyper-parameters that change now and then in the run.
    shapes: of the parameters, in all; drawn, one to four of them, where None. missing: some
    gradients are None.
    """
    count = draw(st.integers(*steps))
    if shapes is None:
        lists = st.lists(st.sampled_from(setting.pool), min_size=max(groups, 1), max_size=4)
        drawn = tuple(draw(lists))
    else:
        drawn = tuple(s for s in shapes if setting.allows(s))
    amount = groups if setting.facts.groups else 1
    rows = [tuple(draw(hypers(setting, with_, without)) for _ in range(amount))]
    changing = [
        n for n in schedule if n in setting.facts.settable and n in setting.facts.domain.free
    ]
    for _ in range(count - 1):
        row = rows[-1]
        if bool(changing) and draw(st.booleans()):
            row = tuple(_changed(draw, h, changing, without) for h in row)
        rows.append(row)
    absent: frozenset[tuple[int, int]] = frozenset()
    if missing and setting.facts.none_gradients:
        pairs = st.tuples(st.integers(0, count - 1), st.integers(0, len(drawn) - 1))
        absent = frozenset(draw(st.lists(pairs, min_size=1, max_size=2 * count)))
    return Problem(
        dtype=setting.dtype,
        shapes=drawn,
        hypers=tuple(rows),
        groups=tuple(i % amount for i in range(len(drawn))),
        kind=draw(st.sampled_from(list(kinds))),
        seed=draw(st.integers(0, 2**16)),
        missing=absent,
        options=options,
    )


def _changed(draw: st.DrawFn, h: Hyper, names: Sequence[str], without: Sequence[str]) -> Hyper:
    """One hyper-parameter takes another value; those that are off stay off."""
    on = [n for n in names if n == "lr" or (getattr(h, n) and n not in without)]
    if not on:
        return h
    name = draw(st.sampled_from(on))
    return h._replace(**{name: draw(_DRAWN[name]())})
