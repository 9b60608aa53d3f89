"""Where something goes wrong: which settings, parameters and elements, read off what was seen.

A scope is accepted only where it parts right from wrong in every run at hand; runs hold parameters
of 0 to 4 axes, few and many elements, equal shapes, so that the next wider and the next narrower
condition are tried with it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum.diagnosis.hypothesis import Inside, Mask, Scope
from momentum.subjects.drive import Observation

SHAPES: tuple[tuple[int, ...], ...] = (
    (7,), (15,), (16,), (17,), (), (33,), (64,), (100,), (3, 5), (9, 2), (7,), (2, 3, 4), (1, 1),
    (3, 1, 2, 2), (1,), (2,), (3, 3), (130,),
)  # fmt: skip
OTHERS: tuple[tuple[int, ...], ...] = (
    (5,), (8,), (31,), (2, 2), (32,), (), (63,), (65,), (129,), (5, 3), (7, 3), (5,), (4, 3, 2),
    (1, 4), (2, 1, 2, 3), (1,), (3,), (260,), (6, 2),
)  # fmt: skip
"""A scope is read from runs of the first, and tried on the others."""

WIDTHS = (2, 3, 4, 5, 8, 16, 32, 64, 128, 256)
BLOCKS = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
_TH = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 8: "eighth"}

Indices = NDArray[np.intp]

EVERYWHERE = Scope("", lambda o, i: True)


class Verdicts(NamedTuple):
    """A run, and for each parameter the elements that a hypothesis explains, flat."""

    observation: Observation
    right: list[Mask]
    explained: list[Mask]


def parts(scope: Scope, seen: Sequence[Verdicts]) -> bool:
    """All inside is explained, all outside is right, and something inside is wrong."""
    wrong = False
    for v in seen:
        for i, (right, explained) in enumerate(zip(v.right, v.explained)):
            inside = scope.mask(v.observation, i)
            if not (explained | ~inside).all() or not (right | inside).all():
                return False
            wrong = wrong or not right.all()
    return wrong


def fitting(seen: Sequence[Verdicts]) -> Iterator[Scope]:
    """Every scope that parts right from wrong in these runs, the widest first.

    Two at once, where no single one will do.
    """
    if not all((r | e).all() for v in seen for r, e in zip(v.right, v.explained)):
        return
    alone = False
    for scope in scopes(seen):
        if parts(scope, seen):
            alone = True
            yield scope
    for one, other in () if alone else _two(seen):
        beyond = tuple((size + n,) for (size,) in one.around[1:2] for (n,) in other.around)
        around = one.around + other.around + beyond
        both = Scope(f"{one.words}: {other.words}", _both(one, other), around)
        if parts(both, seen):
            yield both


def _two(seen: Sequence[Verdicts]) -> Iterator[tuple[Scope, Scope]]:
    places = (*ELEMENTS, *_by_place(seen))
    yield from product(_by_size(seen), places)
    yield from product(SETTINGS, (*places, *PARAMETERS))
    yield from product(AXES, places)


def _both(one: Scope, other: Scope) -> Inside:
    return lambda o, i: np.logical_and(one.inside(o, i), other.inside(o, i))


def scopes(seen: Sequence[Verdicts]) -> Iterator[Scope]:
    """Those that are known, and those with a number in them that the runs suggest."""
    yield EVERYWHERE
    if any("layout" in dict(v.observation.problem.options) for v in seen):
        yield from LAYOUTS
    yield from SETTINGS
    yield from PARAMETERS
    yield from _by_size(seen)
    yield from ELEMENTS
    yield from _by_place(seen)


def _setting(words: str, **wanted: bool) -> Scope:
    """Where these hyper-parameters are on, or off, at every step."""

    def inside(observation: Observation, i: int) -> bool:
        problem = observation.problem
        rows = [row[problem.groups[i]] for row in problem.hypers]
        return all(bool(getattr(h, n)) == on for h in rows for n, on in wanted.items())

    return Scope(words, inside)


SETTINGS = (
    *(_setting(f"{'with' if on else 'without'} {name.replace('_', ' ')}", **{name: on})
      for name in ("nesterov", "maximize", "weight_decay", "dampening", "momentum")
      for on in (True, False)),
    _setting("with nesterov and weight decay", nesterov=True, weight_decay=True),
    _setting("with maximize and weight decay", maximize=True, weight_decay=True),
    *(_setting(f"with{'out' * (not m)} maximize, with{'out' * (not n)} nesterov",
               maximize=m, nesterov=n) for m in (True, False) for n in (True, False)),
    _setting("with momentum and weight decay", momentum=True, weight_decay=True),
    _setting("with weight decay but no momentum", weight_decay=True, momentum=False),
)  # fmt: skip


class Parameter(NamedTuple):
    """One of a problem's parameters, and its place among the others."""

    place: int
    shapes: tuple[tuple[int, ...], ...]
    groups: tuple[int, ...]
    last_group: int

    @property
    def axes(self) -> int:
        """Number of axes."""
        return len(self.shapes[self.place])

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shapes[self.place])

    @property
    def group(self) -> int:
        """The group that it belongs to."""
        return self.groups[self.place]


def _parameters(words: str, holds: Callable[[Parameter, int], bool], number: int = 0) -> Scope:
    """holds: is told the parameter and the number that is in the words."""

    def inside(observation: Observation, i: int) -> bool:
        p = observation.problem
        whole = dict(p.options).get("complex")  # the last axis holds the parts of one number
        shapes = tuple(s[:-1] for s in p.shapes) if whole else p.shapes
        return holds(Parameter(i, shapes, p.groups, len(p.hypers[0]) - 1), number)

    around = (number - 1, number, number + 1, number + 2, 2 * number + 1, 2 * number + 2)
    return Scope(words, inside, tuple((n,) for n in around) if words.endswith("elements") else ())


AXES = (
    *(_parameters(f"parameters of {n} {'axis' if n == 1 else 'axes'}", lambda p, n: p.axes == n, n)
      for n in range(5)),
    *(_parameters(f"parameters of {n} or more axes", lambda p, n: p.axes >= n, n)
      for n in (1, 2, 3, 4)),
    *(_parameters(f"parameters of less than {n} axes", lambda p, n: p.axes < n, n)
      for n in (2, 3, 4)),
)  # fmt: skip
PARAMETERS = (
    *AXES,
    _parameters("all parameters but the first", lambda p, n: p.place > 0),
    _parameters("the first parameter", lambda p, n: p.place == 0),
    _parameters("the last parameter", lambda p, n: p.place == len(p.shapes) - 1),
    _parameters("all parameters but the last", lambda p, n: p.place < len(p.shapes) - 1),
    _parameters("all groups but the first", lambda p, n: p.group > 0),
    _parameters("the first group", lambda p, n: p.group == 0),
    _parameters("the last group", lambda p, n: p.group == p.last_group),
    _parameters("the first parameter of each group",
                lambda p, n: p.place == p.groups.index(p.group)),
    _parameters("all parameters of a group but its first",
                lambda p, n: p.place > p.groups.index(p.group)),
    _parameters("parameters with a shape that an earlier one has",
                lambda p, n: p.shapes[p.place] in p.shapes[:p.place]),
    _parameters("parameters after an empty one of their group", lambda p, n: any(
        math.prod(s) == 0 and g == p.group for s, g in zip(p.shapes[: p.place], p.groups)
    )),
    *(_parameters(f"every {_TH[k]} parameter, from number {r + 1} on",
                  lambda p, n: p.place % (n // 64) == n % 64, 64 * k + r)
      for k in (2, 3, 4, 5, 8) for r in range(k)),
    *(_parameters(f"the parameters after the last whole {k} of the list",
                  lambda p, n: p.place >= len(p.shapes) // n * n, k)
      for k in (2, 3, 4, 5, 8, 16, 32, 64)),
    *(_parameters(f"parameters whose number of elements is no multiple of {k}",
                  lambda p, n: p.size % n != 0, k) for k in (2, 4, 8, 16, 32, 64)),
    *(_parameters(f"parameters whose number of elements is a multiple of {k}",
                  lambda p, n: p.size % n == 0, k) for k in (2, 4, 8, 16, 32, 64)),
)  # fmt: skip


def _by_size(seen: Sequence[Verdicts]) -> Iterator[Scope]:
    """Thresholds of size and of place in the list that the runs suggest."""
    wrong = [(i, x.size) for v in seen for i, x in enumerate(v.right) if not x.all()]
    if not wrong:
        return
    least, most = min(n for _, n in wrong), max(n for _, n in wrong)
    yield _parameters(f"parameters of {least} or more elements", lambda p, n: p.size >= n, least)
    if any(x.size > most for v in seen for x in v.right):
        words = f"parameters of {most} or fewer elements"
        yield _parameters(words, lambda p, n: p.size <= n, most)
    if least == most:
        yield _parameters(f"parameters of {least} elements", lambda p, n: p.size == n, least)
    first = min(i for i, _ in wrong)
    yield _parameters(f"the parameters after the first {first}", lambda p, n: p.place >= n, first)
    if first == max(i for i, _ in wrong):
        words = f"parameter {first} of the list, counted from 0"
        yield _parameters(words, lambda p, n: p.place == n, first)
    groups = [v.observation.problem.groups[i] for v in seen for i, x in enumerate(v.right)
              if not x.all()]  # fmt: skip
    words = f"the groups after the first {min(groups)}"
    yield _parameters(words, lambda p, n: p.group >= n, min(groups))
    yield Scope("parameters that have a gradient at some steps only",
                lambda o, i: 0 < sum(row[i] is None for row in o.fed) < len(o.fed))  # fmt: skip
    yield Scope("parameters without a gradient at the first step", lambda o, i: o.fed[0][i] is None)


def _laid_out(o: Observation, i: int) -> bool:
    """The layout of the problem's options makes a difference to a parameter of this shape."""
    layout, shape = dict(o.problem.options).get("layout", "contiguous"), o.problem.shapes[i]
    long = [n for n in shape if n > 1]
    if layout == "transposed":
        return len(long) > 1
    if layout == "channels_last":
        return len(shape) == 4 and shape[1] > 1 and max(shape[2:]) > 1
    return layout == "offset" or (layout != "contiguous" and bool(long))


LAYOUTS = (
    Scope("arrays laid out so", _laid_out),
    # What is 1 in three lies so in its gradient alone, what is 2 in its own memory alone.
    Scope("parameters whose own memory is laid out so",
          lambda o, i: _laid_out(o, i) and i % 3 != 1),
    Scope("parameters whose gradient is laid out so", lambda o, i: _laid_out(o, i) and i % 3 != 2),
    Scope("parameters laid out so, gradient and all",
          lambda o, i: _laid_out(o, i) and i % 3 == 0),
)  # fmt: skip


def _elements(
    words: str, chosen: Callable[[Indices, int, tuple[int, ...], int], Mask], number: int = 0
) -> Scope:
    """chosen: from flat indices, size, shape and the number that is in the words to a mask."""

    def inside(observation: Observation, i: int) -> Mask:
        shape = observation.problem.shapes[i]
        size = math.prod(shape)
        return np.broadcast_to(chosen(np.arange(size), size, shape, number), (size,))

    around = [(n,) for n in (number - 1, number, number + 1, 2 * number + 1, 3 * number - 1)]
    return Scope(words, inside, tuple(around) if "block" in words or "after" in words else ())


ELEMENTS = (
    *(_elements(f"whole blocks of {w} elements", lambda k, n, s, w: k < n // w * w, w)
      for w in WIDTHS),
    *(_elements(f"the elements after the last whole block of {w}",
                lambda k, n, s, w: k >= n // w * w, w) for w in (*WIDTHS, *BLOCKS)),
    *(_elements(f"the elements of the last block of {w} that whole blocks hold as well",
                lambda k, n, s, w: (k >= n - w) & (k < n // w * w) & (n % w > 0), w)
      for w in WIDTHS),
    _elements("all elements beyond as many as there are rows",
              lambda k, n, s, w: k >= s[0] if s else k < 0),
    _elements("the first element of each parameter", lambda k, n, s, w: k == 0),
    _elements("the last element of each parameter", lambda k, n, s, w: k == n - 1),
    _elements("all elements but the first", lambda k, n, s, w: k > 0),
    _elements("the first row of each parameter of two or more axes",
              lambda k, n, s, w: k < n // s[0] if len(s) > 1 else k < 0),
    _elements("the last row of each parameter of two or more axes",
              lambda k, n, s, w: k >= n - n // s[0] if len(s) > 1 else k < 0),
    *(_elements(f"every {_TH[w]} element, from number {r + 1} on",
                lambda k, n, s, c: k % (c // 64) == c % 64, 64 * w + r)
      for w in (2, 3, 4, 8) for r in range(w)),
    *(_elements(f"the elements after the last whole block of {w}, in parameters that have one",
                lambda k, n, s, w: (k >= n // w * w) & (n >= w), w) for w in (*WIDTHS, *BLOCKS)),
    *(_elements(f"whole blocks of {w} elements", lambda k, n, s, w: k < n // w * w, w)
      for w in BLOCKS),
    *(_elements(f"elements that are left alone after whole blocks of {w}",
                lambda k, n, s, w: (n % w == 1) & (k == n - 1) & (n > w), w)
      for w in (*WIDTHS[1:], *BLOCKS)),
)  # fmt: skip


def _by_place(seen: Sequence[Verdicts]) -> Iterator[Scope]:
    """Thresholds at the least and the largest place of a wrong element."""
    bad = [np.flatnonzero(~x) for v in seen for x in v.right if not x.all()]
    if not bad:
        return
    least, most = min(int(b[0]) for b in bad), max(int(b[-1]) for b in bad)
    yield _elements(f"the elements after the first {least}", lambda k, n, s, c: k >= c, least)
    yield _elements(f"the first {most + 1} elements", lambda k, n, s, c: k <= c, most)
