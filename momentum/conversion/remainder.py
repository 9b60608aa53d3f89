"""What is left over where no conversion exists: a step that no hyper-parameters make equal.

With all earlier steps equal, the target's next step is A y - P g - Q v with numbers P, Q and A at
its disposal, and v known up to its scale. Matching the weight of an earlier gradient i asks for
d_i + Q e_i = 0. Two gradients that ask for two values of Q are a proof that none will do, and
max |d_i e_j - d_j e_i| / (|e_i| + |e_j|) over the pairs is the smallest largest difference that any
Q leaves (minimax on a line, where two of the lines decide; Helly's theorem).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flint import fmpq

from momentum.arithmetic import exact, nearest
from momentum.arithmetic.near import DIGITS
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import NEUTRAL
from momentum.conversion import linear
from momentum.conversion.linear import Place, Row
from momentum.conversion.search import HEIGHTS, WAYS, Search
from momentum.conversion.speakers import Speaker

# Gradients older than this are not compared pair by pair.
_MEMORY = 40


@dataclass(frozen=True)
class Remainder:
    """Why there is no conversion, and the smallest difference found.

    step: the first one that cannot be made equal. difference: of the weights that two earlier
    gradients (or the start) have in the parameter after it, in units of what one gradient of 1
    moves, source against the best target found. pair: the two histories that contradict each
    other, 0 for the start and t for the gradient of step t. surd: the number whose square root
    would be needed; where it is positive, the root was not looked for. differs: where the rule
    itself, and not two histories, stands in the way, the step at which the source's own numbers go
    wrong, and the difference is theirs.
    """

    step: int
    reason: str
    difference: fmpq | None = None
    pair: tuple[int, int] | None = None
    surd: fmpq | None = None
    differs: int | None = None

    def __str__(self) -> str:
        found = " found" if self.surd is not None and self.surd > 0 else ""
        text = f"no conversion{found}: at step {self.step} {self.reason}"
        if not self.difference:
            return text
        size = f"{nearest(self.difference):.3g} for a gradient or start of 1"
        if self.differs is None:
            return f"{text}; the smallest difference found after it is {size}"
        return f"{text}; with the source's own numbers step {self.differs} differs by {size}"


def not_sought(b: Speaker, step: int, surd: fmpq) -> Remainder:
    """Where one root more was needed than are looked for, so that nothing is known."""
    reason = (
        f"{b.name} needs a square root on top of {HEIGHTS} others, none of them rational, and none "
        f"was found to {DIGITS} digits; there may be a conversion in real numbers"
    )
    return Remainder(step + 1, reason, surd=surd)


def remainder(b: Speaker, attempts: Sequence[Search], every: Sequence[Search]) -> Remainder:
    """What is left over, from searches that all go on after the last row, or all end with it.

    every: those and the others, for the roots that they needed where they ended.
    """
    own = b.convention.initial
    worst = max(attempts, key=lambda f: (f.failed, bool(f.met[f.failed]), f.initial == own))
    surds, step = [x for f in (worst, *every) for x in f.met[f.failed]], worst.failed + 1
    found = _least(b, attempts)
    surd = surds[0] if surds else None
    needs = f"{b.name} would need the square root of {surd}, which is not real"
    if found is not None:
        reason = found.reason if surd is None else f"{found.reason} ({needs})"
        return replace(found, surd=surd, reason=reason)
    reason = f"{b.name} has no hyper-parameters that do it"
    if worst.lacks_decay:
        reason = f"{b.name} would need weight decay, which it lacks"
    elif surd is not None:
        reason = needs
    try:
        first, size, history = _plain(b, worst)
    except ZeroDivisionError:
        reason = f"{reason}; with the source's own numbers {b.convention.name} divides by zero"
        return Remainder(step, reason, surd=surd)
    return Remainder(step, reason, size, (history, history), surd, first)


def _least(b: Speaker, attempts: Sequence[Search]) -> Remainder | None:
    """The smallest difference at the furthest step; None where it depends on other choices.

    What the velocity lacks may show some steps later only. Until then a step may leave numbers to
    choose, and the difference may depend on them: so it is looked at under another choice too.
    """
    found = [(f, _shown(b, f, other=False)) for f in attempts]
    furthest = max((x.step for _, x in found if x is not None), default=0)
    reached: list[Remainder] = []
    for f, x in found:
        if x is not None and x.step < furthest:
            continue
        again = _shown(b, f, other=True)
        if x is None or again is None or not x.difference:
            return None
        if (again.step, again.difference) != (x.step, x.difference):
            return None
        reached.append(x)
    return min(reached, key=lambda x: x.difference or 0, default=None)


def _shown(b: Speaker, attempt: Search, *, other: bool) -> Remainder | None:
    """Where the update itself fails if the velocity may hold anything; the least of all ways."""
    steps = [
        s._replace(
            matters=s.matters and t < attempt.failed,
            like=_otherwise(s.h) if other else s.h,
        )
        for t, s in enumerate(attempt.steps)
    ]
    search = Search(attempt.source, steps, b, attempt.nesterov, attempt.initial, HEIGHTS)
    unknown = search.run() is not None or len(search.ways) > WAYS
    if unknown or any(x > 0 for met in search.met for x in met):
        return None
    hypers, step = [s.h for s in steps], search.failed
    found = [
        _difference(attempt.source, b, attempt.initial, hypers, path, step) for path in search.ways
    ]
    least = min((x.difference for x in found if x.difference is not None), default=None)
    return next(x for x in found if x.difference == least)


def _otherwise(h: Hyper) -> Hyper:
    """Other numbers to decide by where a step leaves a choice."""
    return h._replace(lr=h.lr + fmpq(1, 11), momentum=h.momentum + fmpq(1, 7), nu=h.nu + fmpq(1, 3),
                      dampening=h.dampening + fmpq(1, 13),
                      weight_decay=h.weight_decay + fmpq(1, 17))  # fmt: skip


def _plain(b: Speaker, attempt: Search) -> tuple[int, fmpq, int]:
    """First step that differs, by how much and for whom, if the source's numbers go on.

    Raises: ZeroDivisionError where the target's rule divides by zero with them.
    """
    source, hypers, path = attempt.source, [s.h for s in attempt.steps], attempt.ways[-1]
    here, there = linear.begin(source.initial), linear.begin(attempt.initial)
    off = {n: v for n, v in NEUTRAL.items() if n != "maximize" and not b.takes(n)}
    stripped = [h._replace(**off).lifted(exact) for h in hypers]
    if not b.dampened_nesterov:
        stripped = [h._replace(dampening=exact(0)) if h.nesterov else h for h in stripped]
    rows = [*path, *stripped[len(path) :]]
    for t, (h, k) in enumerate(zip(hypers, rows)):
        here = linear.advance(source, here, h)
        there = linear.advance(b.convention, there, k)
        following = min(t + 1, len(rows) - 1)
        y = linear.seen(source, here, hypers[following])
        apart = [abs(x) for x in y - linear.seen(b.convention, there, rows[following])]
        if any(apart):
            size = max(apart)
            return t + 1, size, apart.index(size)
    return len(hypers), exact(0), 0


def _difference(
    source: Convention, b: Speaker, initial: Any, hypers: Sequence[Hyper], path: Sequence[Hyper],
    step: int,
) -> Remainder:  # fmt: skip
    """Both runs up to the step with every gradient a coordinate of its own."""
    here, there = linear.begin(source.initial), linear.begin(initial)
    for h, k in zip(hypers, path):
        here = linear.advance(source, here, h)
        there = linear.advance(b.convention, there, k)
    y = linear.seen(source, here, hypers[step])
    after = linear.advance(source, here, hypers[step])
    wanted = linear.seen(source, after, hypers[min(step + 1, len(hypers) - 1)])[:-1]
    v = _velocity(b.convention, there)
    decays = b.takes("weight_decay") or b.convention.keeps_iterates
    lines = _lines(wanted, y, v, decays)
    oldest = max(1, len(lines) - _MEMORY)
    columns = [0, *range(oldest, len(lines))]
    worst = Remainder(step + 1, "")
    for i in columns:
        for j in columns:
            (d, e), (f, g) = lines[i], lines[j]
            if i == j and e == 0:
                size = abs(d)
            elif i < j and e and g:
                size = abs(d * g - f * e) / (abs(e) + abs(g))
            else:
                continue
            if worst.difference is None or size > worst.difference:
                worst = Remainder(step + 1, _reason(b, i, j, lines), size, (i, j))
    return worst


def _lines(wanted: Row, y: Row, v: Row, decays: bool) -> list[tuple[fmpq, fmpq]]:
    """d and e of every history; where there is decay, it makes the start equal."""
    if decays and y[0] != 0:
        ratio, part = wanted[0] / y[0], v[0] / y[0]
        return [(w - ratio * x, u - part * x) for w, x, u in zip(wanted, y, v)]
    return [(w - x, u) for w, x, u in zip(wanted, y, v)]


def _velocity(convention: Convention, place: Place) -> Row:
    if convention.keeps_iterates and place.state.step == 0:
        return place.theta
    v: Row = place.state.v
    return v


def _reason(b: Speaker, i: int, j: int, lines: Sequence[tuple[fmpq, fmpq]]) -> str:
    if i == j == 0 and not b.takes("weight_decay"):
        return f"{b.name} would need weight decay, which it lacks"
    asked = []
    for k in dict.fromkeys((i, j)):
        d, e = lines[k]
        who = f"the gradient of step {k}" if k else "the start"
        if e == 0:
            asked.append(f"{who} is not in the velocity of {b.name}, where it is needed")
        else:
            asked.append(f"{who} asks for {nearest(-d / e):.6g} times the velocity of {b.name}")
    return ", ".join(asked)
