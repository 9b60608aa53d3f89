"""What a failure needs: the problem is made plainer, one thing at a time, while it still fails.

What cannot be taken away is part of the cause: the counter-probe without it was right.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from momentum.conventions.hyper import COMMON
from momentum.diagnosis.hypothesis import Scope
from momentum.diagnosis.probes import VALUES
from momentum.diagnosis.short import limit
from momentum.subjects.problems import Problem


@dataclass(frozen=True)
class Context:
    """The plainest problem that still fails, and what it needs, as scopes.

    fixed_shapes: its options are about its own parameters, which cannot be exchanged. layouts: in
    which others it fails too.
    """

    problem: Problem
    scopes: tuple[Scope, ...]
    layouts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What it needs."""
        return ", ".join(scope.words for scope in self.scopes)

    @property
    def apart(self) -> bool:
        """It needs several groups, or missing gradients: no function of one array is like that."""
        return bool(self.problem.missing) or len(self.problem.hypers[0]) > 1

    @property
    def fixed_shapes(self) -> bool:
        """Options that are lists go with the parameters one by one."""
        return any(isinstance(value, tuple) for _, value in self.problem.options)


def minimal(
    problem: Problem, fails: Callable[[Problem], bool], error: Callable[[Problem], float]
) -> Context:
    """The plainest problem that fails, by `fails`, and what it needs. error: in its own bounds."""
    needs: list[Scope] = []
    layouts: tuple[str, ...] = ()
    now = problem
    for option in problem.options:
        without = replace(now, options=tuple(o for o in now.options if o != option))
        others = tuple(n for n in WIDER if n != option[1]) if option in IN_WIDER else ()
        if fails(without):
            now = without
        elif others and all(fails(in_layout(now, n)) for n in others):
            layouts = others
            needs.append(NOT_CONTIGUOUS)
        else:
            needs.append(_with_option(*option))
    if now.missing:
        without = replace(now, missing=frozenset())
        if fails(without):
            now = without
        else:
            needs.append(MISSING)
    if len(now.hypers[0]) > 1:
        alone = next((p for p in _one_group(now) if fails(p)), None)
        alike = replace(now, hypers=tuple((row[0],) * len(row) for row in now.hypers))
        if alone is not None:
            now = alone
        elif fails(alike):
            needs.append(GROUPS)
            now = alike
        else:
            needs.append(GROUPS_THAT_DIFFER)
    for plainer in PLAINER:
        plain = plainer(now)
        if plain != now and fails(plain):
            now = plain
    for name in COMMON:
        now, scope = _beyond(now, name, fails, error)
        needs += [] if scope is None else [scope]
    if len(now.shapes) > 1:
        now = next((p for p in _one_parameter(now) if fails(p)), now)
    return Context(now, tuple(needs), layouts)


JUMP = 16
"""Bounds by which a run fails at once beyond a limit; what grows with a number fails by little."""


def _beyond(
    problem: Problem,
    name: str,
    fails: Callable[[Problem], bool],
    error: Callable[[Problem], float],
) -> tuple[Problem, Scope | None]:
    """The problem with an ordinary value of a number, or the limit beyond which it must be to fail.

    It is a limit only where the run before it is right and the one behind it far from right.
    """
    values = {getattr(h, name) for row in problem.hypers for h in row}
    usual = VALUES[name]
    if len(values) != 1 or not (value := float(next(iter(values)))) or value == usual:
        return problem, None

    def at(x: float) -> Problem:
        rows = tuple(tuple(h.having(**{name: x}) for h in row) for row in problem.hypers)
        return replace(problem, hypers=rows)

    if fails(at(usual)):
        return at(usual), None
    found, bad = limit(name, lambda x: fails(at(x)), usual, value, near=2.0**-20)
    if error(at(bad)) < JUMP:
        return problem, None
    return problem, Scope(found.words, lambda o, i: all(
        found.beyond(row[o.problem.groups[i]]) for row in o.problem.hypers
    ))  # fmt: skip


WIDER = ("transposed", "strided")
"""Layouts that have nothing in common but that they are not contiguous."""

IN_WIDER = [("layout", name) for name in WIDER]
NOT_CONTIGUOUS = Scope("in arrays that are not contiguous", lambda o, i: any(
    option in o.problem.options for option in IN_WIDER
))  # fmt: skip
MISSING = Scope("where a gradient is missing", lambda o, i: bool(o.problem.missing))
GROUPS = Scope("with several groups, of equal hyper-parameters too",
               lambda o, i: len(o.problem.hypers[0]) > 1)  # fmt: skip
GROUPS_THAT_DIFFER = Scope(
    "with groups that differ", lambda o, i: len(set(o.problem.hypers[0])) > 1
)


def in_layout(problem: Problem, layout: str) -> Problem:
    """The same, laid out otherwise in memory."""
    return replace(problem, options=tuple(
        (n, layout if n == "layout" else value) for n, value in problem.options
    ))  # fmt: skip


FEW = 3
"""Steps in a row at the same hyper-parameters that are kept."""


def _shortened(problem: Problem) -> Problem:
    """No more than a few steps at the same hyper-parameters."""
    kept = [
        t for t in range(problem.steps) if len(set(problem.hypers[max(0, t - FEW) : t + 1])) > 1
        or t < FEW
    ]  # fmt: skip
    if problem.missing:
        return problem
    return replace(problem, hypers=tuple(problem.hypers[t] for t in kept))


def _with_each(problem: Problem, **off: Any) -> Problem:
    """Every row has these hyper-parameters."""
    rows = tuple(tuple(h._replace(**off) for h in row) for row in problem.hypers)
    return replace(problem, hypers=rows)


PLAINER: tuple[Callable[[Problem], Problem], ...] = (
    _shortened,
    lambda problem: replace(problem, hypers=problem.hypers[:1] * problem.steps),
    lambda problem: replace(problem, kind="normal"),
    partial(_with_each, maximize=False),
    partial(_with_each, weight_decay=0.0),
    partial(_with_each, dampening=0.0),
    partial(_with_each, nesterov=False),
)
"""What a problem may be without, one after another."""


def _one_group(problem: Problem) -> Iterator[Problem]:
    for g in range(len(problem.hypers[0])):
        members = [i for i, own in enumerate(problem.groups) if own == g]
        if members:
            part = _only(problem, members)
            hypers = tuple((row[g],) for row in problem.hypers)
            yield replace(part, hypers=hypers, groups=(0,) * len(members))


def _one_parameter(problem: Problem) -> Iterator[Problem]:
    if len(problem.hypers[0]) > 1 or any(isinstance(v, tuple) for _, v in problem.options):
        return
    sizes = [int(np.prod(s, dtype=int)) for s in problem.shapes]
    for i in sorted(range(len(sizes)), key=lambda i: sizes[i])[:6]:
        yield _only(problem, [i])


def _only(problem: Problem, members: list[int]) -> Problem:
    missing = frozenset((t, members.index(i)) for t, i in problem.missing if i in members)
    return replace(
        problem,
        shapes=tuple(problem.shapes[i] for i in members),
        groups=tuple(problem.groups[i] for i in members),
        missing=missing,
    )


LAYOUTS = {
    "strided": "in arrays with gaps in memory (strided)",
    "transposed": "in transposed arrays",
    "offset": "in arrays that begin one element into their memory (offset)",
    "channels_last": "in arrays of layout channels_last",
    "expanded": "with expanded gradients",
}


def _with_option(name: str, value: object) -> Scope:
    words = {
        "layout": LAYOUTS.get(str(value), f"in layout {value}"),
        "scheduler": "with the framework's own scheduler",
        "tensor_lr": "with a learning rate that is a tensor",
        "dtypes": "with parameters of several dtypes",
        "complex": "in complex parameters",
    }.get(name, f"with {name} {value}")
    if name in ("dtypes", "scheduler"):
        return Scope(words, lambda o, i: name in dict(o.problem.options))
    return Scope(words, lambda o, i: (name, value) in o.problem.options)


PLAIN = ("normal", "from_zero", "dyadic", "constant", "quadratic", "bowl", "wide")
"""Kinds of problems that say most, the plainest first."""


def plainness(problem: Problem) -> tuple[int, ...]:
    """What a person would look at first: little of everything."""
    changes = len(set(problem.hypers))
    odd = PLAIN.index(problem.kind) if problem.kind in PLAIN else len(PLAIN)
    elements = sum(int(np.prod(s, dtype=int)) for s in problem.shapes)
    return (len(problem.options), changes, odd, len(problem.shapes), problem.steps, elements)


def plainly_judged(problem: Problem) -> bool:
    """A run in which every convention says what is right, and how far rounding may lead.

    Options may bring numbers of other formats, and where momentum passes through 0 it is open
    whether the velocity goes on.
    """
    groups = range(len(problem.hypers[0]))
    passing = any(len({bool(row[g].momentum) for row in problem.hypers}) > 1 for g in groups)
    return not passing and all(name == "layout" for name, _ in problem.options)
