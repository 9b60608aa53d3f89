"""The same training in another convention, proven, or a proof that stops where none exists."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from momentum.arithmetic import exact, nearest
from momentum.arithmetic.near import Lost
from momentum.conventions import Convention, Hyper, State
from momentum.conversion import linear
from momentum.conversion.given import Said, allowed, assumed, evened, told, without_repeats
from momentum.conversion.proof import Proof, drift, prove
from momentum.conversion.remainder import Remainder, not_sought, remainder
from momentum.conversion.search import HEIGHTS, Search
from momentum.conversion.source import DividesByZero, source_steps
from momentum.conversion.speakers import Speaker, speaker

Row = TypeVar("Row")

# Rows past the end of a schedule that the search looks at, to find what then stays.
_BEYOND = 4

# Steps that are converted where one row is given and the target needs another at every step.
_STEPS = 100


@dataclass(frozen=True)
class Conversion:
    """How a target does the same training as a source.

    hypers: one row a step of the source's schedule, and where the target is look_ahead and each
    step needs its own, one more for the momentum with which the last point is read. then: the row
    that holds at every later step, None where each needs its own. initial: the target's state
    before the first step where it is not its own. proof: None where no conversion exists, and then
    `remainder` says what is left over. assumed: what the source takes where nothing was given, in
    words. Hyper-parameters are rationals, numbers made of square roots (`Surd`) where no rational
    ones do, and to some hundred digits (`Near`) where each step would need another root.
    """

    source: Speaker
    target: Speaker
    source_hypers: tuple[Hyper, ...]
    steps: int
    hypers: tuple[Hyper, ...] = ()
    then: Hyper | None = None
    initial: State | None = None
    proof: Proof | None = None
    remainder: Remainder | None = None
    assumed: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is a conversion."""
        return self.proof is not None

    @property
    def rows(self) -> tuple[Hyper, ...]:
        """Every row, the one that goes on at the end."""
        return self.hypers if self.then is None else (*self.hypers, self.then)

    @property
    def floats(self) -> tuple[Hyper, ...]:
        """The same with every number the nearest float64."""
        return tuple(h.lifted(nearest) for h in self.rows)

    @property
    def is_exact_in_float64(self) -> bool:
        """Whether float64 holds every number as it is."""
        return all(
            exact(x) == y for a, b in zip(self.floats, self.rows) for x, y in zip(a, b)
            if not isinstance(y, bool)
        )  # fmt: skip

    def bound(self, dtype: str = "float64") -> float:
        """What rounding may cost in a format, hyper-parameters and arithmetic, after all steps.

        For a start and gradients of magnitude up to 1; from the oracle's running error analysis.
        """
        steps = max(self.steps, len(self.hypers))
        return drift(self.target.convention, self.rows, steps, self.initial, dtype)


def convert(
    source: str | Convention | Speaker,
    target: str | Convention | Speaker,
    hypers: Hyper | Mapping[str, Said] | Sequence[Hyper] | Sequence[Mapping[str, Said]],
    *,
    steps: int | None = None,
) -> Conversion:
    """Hyper-parameters with which the target shows a model the same points as the source.

    hypers: one row, or one a step of a schedule, after whose end the last one goes on; a Hyper,
    or a mapping in the spelling of the source (`{"learning_rate": "0.1"}`). Floats are taken as
    the binary numbers that they are, text as the decimal that it says. Other units than the
    source's own are l2, a penalty l2 |x|^2; decay and decay_relative, parts of the parameter that
    are taken off at each step, not scaled by lr or by lr / (first lr); accumulated, how many
    gradients the source sums where the target takes their mean.
    steps: how many steps to convert, where the target needs a row for each; else as many as rows
    were given, and 100 for a single one. Every step has a gradient: a parameter that is passed
    by in one (None) would see a schedule's corrections at the wrong steps.

    Raises: ValueError for an unknown name, a number that is not finite, a hyper-parameter that
    the source does not have, or a source that divides by zero.
    """
    a, b = speaker(source), speaker(target)
    single = isinstance(hypers, (Hyper, Mapping))
    given: Any = [hypers] if single else hypers
    rows: list[Hyper] = []
    for h in given:
        rows.append(told(a, h, rows[0].lr if rows else None))
    words = assumed(a, given[0]) if given else ""
    for who in (a, b):
        if not linear.supports(who.convention):
            kept = ", ".join(who.convention.initial._fields)
            raise ValueError(f"not supported: {who.name} keeps {kept}, which is no velocity")
    if not rows:
        raise ValueError("no hyper-parameters: wanted one row or more")
    if steps is not None and steps < 1:
        raise ValueError(f"steps={steps}: wanted 1 or more")
    # maximize turns the sign of a gradient before all else, on both sides alike: what holds for all
    # gradients with one sign holds with the other.
    signs = [h.maximize for h in rows]
    found = _converted(a, b, [h._replace(maximize=False) for h in rows], single, steps)
    return replace(found if not any(signs) else _signed(found, rows, signs), assumed=words)


def _signed(found: Conversion, rows: Sequence[Hyper], signs: Sequence[bool]) -> Conversion:
    """The same conversion where the source's steps have these signs."""
    hypers, then = list(found.hypers), found.then
    if then is not None and len(set(signs)) > 1:
        hypers += [then] * (len(signs) - 1 - len(hypers))
    turned = [h._replace(maximize=s) for h, s in zip(hypers, _extended(signs, len(hypers)))]
    return replace(
        found,
        source_hypers=tuple(rows[: len(found.source_hypers)]),
        hypers=tuple(turned),
        then=None if then is None else then._replace(maximize=signs[-1]),
    )


def _converted(
    a: Speaker, b: Speaker, rows: list[Hyper], single: bool, steps: int | None
) -> Conversion:
    """The conversion of rows that all descend."""
    count = steps or (_STEPS if single else len(rows))
    rows = rows[:count] if len(rows) > count else rows
    while len(rows) > 1 and len(set(rows[-2:])) == 1 and steps is not None:
        rows.pop()
    lengths = [len(rows) + _BEYOND, count]
    if lengths[0] == lengths[1]:
        lengths[0] += 1
    attempts = [(True, lengths[0]), (False, lengths[1])]
    try:
        source_steps(a.convention, _extended(rows, lengths[0]))
    except DividesByZero as where:
        if where.step < count:
            raise
        attempts.pop(0)  # it cannot go on
    for heights in (0, HEIGHTS):
        failures: list[Search] = []
        for settled, length in attempts:
            for initial, path in _paths(a, b, rows, length, not settled, failures, heights):
                found = _proven(a, b, rows, path, initial, count if settled else length, settled)
                if found is not None:
                    return found
        unsought = [
            (step, x) for f in failures for step, met in enumerate(f.met)
            for x in met if x > 0
        ]  # fmt: skip
        if not unsought:
            break
    if b.convention.inverse is None:
        raise ValueError(
            f"not supported: the same numbers make another run, and the record of {b.name} does "
            "not say how others are found (it has no inverse)"
        )
    if unsought:
        nearly = _nearly(a, b, rows, count)
        if nearly is not None:
            return nearly
        left = not_sought(b, *max(unsought, key=lambda x: x[0]))
        return Conversion(a, b, tuple(rows), count, remainder=left)
    goes_on = [f for f in failures if len(f.steps) == lengths[0]] or failures
    left = remainder(b, goes_on, failures)
    return Conversion(a, b, tuple(rows), count, remainder=left)


def _nearly(a: Speaker, b: Speaker, rows: list[Hyper], count: int) -> Conversion | None:
    """The conversion with roots over roots without end, in numbers of hundreds of digits."""
    try:
        for initial, path in _paths(a, b, rows, count, True, [], math.inf):
            found = _proven(a, b, rows, path, initial, count, settled=False)
            if found is not None:
                return found
    except Lost:
        return None
    return None


def _extended(rows: Sequence[Row], length: int) -> list[Row]:
    return [*rows, *[rows[-1]] * (length - len(rows))][:length]


def _paths(
    a: Speaker,
    b: Speaker,
    rows: Sequence[Hyper],
    length: int,
    ends: bool,
    failures: list[Search],
    heights: float,
) -> Iterator[tuple[State | None, list[Hyper]]]:
    """Ways through all steps: the same numbers first, then what the search finds."""
    extended = _extended(rows, length)
    steps = source_steps(a.convention, extended, ends)
    if not heights and all(allowed(b, h) for h in rows):
        for initial in _initials(b.convention):
            yield initial, extended
    if b.convention.inverse is None:
        return
    own = [h.nesterov for h in extended]
    forms = [own, [False] * length, [True] * length] if b.takes("nesterov") else [[False] * length]
    tried: list[list[bool]] = []
    for initial in _initials(b.convention):
        tried.clear()
        for form in forms:
            if form in tried:
                continue
            tried.append(form)
            start = b.convention.initial if initial is None else initial
            search = Search(a.convention, steps, b, form, start, heights)
            path = search.run()
            if path is not None:
                yield initial, path
            else:
                failures.append(search)


def _initials(convention: Convention) -> tuple[State | None, ...]:
    """Initial states to try: its own, and a velocity of zeros that is there already."""
    if convention.inverse is not None and convention.inverse.seeded:
        return None, convention.initial._replace(step=1)
    return (None,)


def _proven(
    a: Speaker,
    b: Speaker,
    rows: Sequence[Hyper],
    path: Sequence[Hyper],
    initial: State | None,
    count: int,
    settled: bool,
) -> Conversion | None:
    """The simplest rows of a path that still are proven to do the same."""

    def proof(hypers: Sequence[Hyper], ever: bool) -> Proof | None:
        found = prove(
            a.convention, rows, b.convention, hypers, steps=count, initial=initial, ever=ever
        )
        return found if found is None or found.forever == ever else None

    if not settled:
        whole = tuple(path)
        shown = proof(whole, False)
        if shown is None:
            return None
        return Conversion(a, b, tuple(rows), count, whole, None, initial, shown)
    shown = proof(path, True)
    if shown is None:
        return None
    hypers = without_repeats(evened(list(path), lambda p: proof(p, True) is not None))
    shown = proof(hypers, True)
    assert shown is not None
    given = [*hypers, *[hypers[-1]] * (len(rows) - len(hypers))]
    body = given[: max(len(rows), len(hypers) - 1)] if len(rows) > 1 else hypers[:-1]
    return Conversion(a, b, tuple(rows), count, tuple(body), hypers[-1], initial, shown)
