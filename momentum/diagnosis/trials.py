"""Runs to choose a cause by, and runs to try the choice on."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from momentum.conventions import Convention, Hyper
from momentum.diagnosis.context import Context, in_layout
from momentum.diagnosis.hypothesis import Scope
from momentum.diagnosis.probes import STEPS, VALUES, probes, tried
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

RISING = tuple(2.0**-k for k in range(40, -1, -4))
"""Rates that each take a larger step than all before."""

CHANGING = ("lr", "momentum", "dampening", "weight_decay", "nu")
WAYS = ((1.0, 1.0, 0.5, 0.5, 1.25, 1.25), (0.0, 0.0, 1.0, 1.0, 0.0, 0.0))
"""How a hyper-parameter may change in a run, as shares of its value in a probe."""
NEARER = tuple(
    tuple(share * np.cumprod([1.0] + [1 + x * 10.0**-k for k in range(2, 9) for x in (5, 2)]))
    for share in (1.0, 0.01)
)
"""How a rate may: by ever less of it."""

ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"momentum": 0.0, "dampening": 0.0},
    {"momentum": 0.0, "lr": 0.07},
    {"weight_decay": 0.0, "momentum": 0.3},
    {"lr": 1.25, "momentum": 0.2, "dampening": 0.9, "weight_decay": 1.25},
    {"lr": 0.003, "momentum": 0.97, "dampening": 0.05, "weight_decay": 0.01, "nesterov": True},
)
"""Other magnitudes of every number than those of the probes."""


class Trials:
    """Runs of one subject. fails: whether it departs from its convention on a problem."""

    def __init__(
        self, subject: Subject, convention: Convention, fails: Callable[[Problem], bool]
    ) -> None:
        self.subject, self.convention, self.fails = subject, convention, fails
        self.seen: dict[str, list[Observation]] = {}
        self.note: Callable[[str], None] = lambda problem: None
        self.avoided: frozenset[str] = frozenset()

    def varied(
        self, context: Context, shapes: Sequence[tuple[int, ...]], seed: int
    ) -> list[Observation]:
        """The smallest failing setting with other numbers and shapes; some gradients missing."""
        return self.runs(self._varied(context, shapes, seed))

    def _varied(
        self, context: Context, shapes: Sequence[tuple[int, ...]], seed: int
    ) -> Iterator[Problem]:
        problem, facts = context.problem, self.subject.facts
        longer = (*problem.hypers, *[problem.hypers[-1]] * max(0, 6 - problem.steps))
        kind = "quadratic" if problem.kind == "bowl" else problem.kind
        kind = "normal" if kind in ("impulse", "constant", "still", "late") else kind
        same = replace(problem, hypers=longer, kind=kind, seed=problem.seed + 10 * seed)
        last = replace(same, seed=same.seed + 1, kind="sliced")
        yield from (same, last)
        groups = len(problem.hypers[0])
        allowed = [s for s in shapes if (s or facts.scalars) and np.prod(s) <= facts.largest]
        if dict(problem.options).get("complex"):
            allowed = [(*s, 2) for s in allowed]
        if not context.fixed_shapes:
            # Every parameter of the problem stays: what goes wrong may need its size.
            both = (*problem.shapes, *allowed)
            places = (*problem.groups, *(i % groups for i in range(len(allowed))))
            yield (last := replace(same, shapes=both, groups=places, seed=same.seed + 2))
            if few := tuple(allowed[::-3]):  # none where all are larger than it takes
                places = tuple(i % groups for i in range(len(few)))
                yield (last := replace(same, shapes=few, groups=places, seed=same.seed + 3))
        for layout in context.layouts:
            yield (last := in_layout(last, layout))
        if groups > 1:
            rows = tuple(
                tuple(_apart(h, g, facts.fixed) for g, h in enumerate(row)) for row in last.hypers
            )
            yield replace(last, hypers=rows, seed=same.seed + 5)
            turned = tuple(row[::-1] for row in last.hypers)
            yield (last := replace(last, hypers=turned, seed=same.seed + 6))
            if not context.fixed_shapes:  # of two groups one is both the first and the one before
                rows = tuple((*row, _apart(row[0], groups, facts.fixed)) for row in last.hypers)
                shapes, places = (*last.shapes, (6,), (6,), (6,)), (*last.groups, 1, groups, 0)
                yield replace(last, hypers=rows, shapes=shapes, groups=places, seed=same.seed + 9)
        if facts.none_gradients:
            gaps = frozenset((t, (t * 3) % len(last.shapes)) for t in range(last.steps))
            yield replace(last, seed=same.seed + 4, missing=gaps)
        if problem.missing:
            # Parameters of one shape, whose gradients come late, or stay away in between.
            late = frozenset({(0, 1), (0, 2), (1, 2), (3, 3), (0, 4), (2, 4)})
            yield replace(same, shapes=((7,),) * 6, groups=(0,) * 6, missing=late)

    def populated(self, problem: Problem) -> list[Observation]:
        """The failing run itself, with vectors in each of its groups."""
        groups = len(problem.hypers[0])
        if groups < 2 or any(isinstance(value, tuple) for _, value in problem.options):
            return []
        every = replace(problem, shapes=((5,),) * groups, groups=tuple(range(groups)))
        return self.runs([replace(every, missing=frozenset(), seed=problem.seed + 14)])

    def turned(self, context: Context) -> Iterator[Observation]:
        """The smallest failing run, in which the rate changes half-way."""
        row, facts = context.problem.hypers[0], self.subject.facts
        if "lr" in facts.settable and "lr" not in facts.fixed:
            later = tuple(h._replace(lr=h.lr * 0.75) for h in row)
            problem = replace(context.problem, hypers=(row,) * 3 + (later,) * 3)
            yield from self.runs([replace(problem, seed=problem.seed + 12)])

    def around(self, context: Context, scope: Scope) -> Iterator[Observation]:
        """The counter-probe of a place: sizes on both sides of the number that it is told by.

        Beside one another, and each of them the only parameter.
        """
        if scope.around and not context.fixed_shapes:
            yield from self.varied(context, scope.around, 3)
            yield from self.runs(self._alone(context.problem, scope.around))

    def _alone(self, problem: Problem, shapes: Sequence[tuple[int, ...]]) -> Iterator[Problem]:
        if len(problem.hypers[0]) == 1 and not problem.options and not problem.missing:
            for shape in shapes:
                if np.prod(shape) <= self.subject.facts.largest:
                    yield replace(problem, shapes=(shape,), groups=(0,), seed=problem.seed + 8)

    def changing(self, context: Context) -> list[Observation]:
        """What changes in the problem, changing in other ways: between numbers, from 0 and to 0.

        With options, which no other probe has, also everything at once.
        """
        return self.runs(self._changing(context.problem))

    def _changing(self, problem: Problem) -> Iterator[Problem]:
        domain, plain = self.subject.facts.domain, replace(problem, missing=frozenset())
        if problem.options:
            row = (domain.combined({**VALUES, "nesterov": False}),) * len(problem.hypers[0])
            yield replace(plain, hypers=(row,) * STEPS, seed=problem.seed + 13)
        for name in CHANGING:
            if len({tuple(getattr(h, name) for h in row) for row in problem.hypers}) == 1:
                continue
            # Where momentum passes through 0, it is open whether the velocity goes on.
            ways = {"lr": (WAYS[0], *NEARER), "momentum": WAYS[:1]}.get(name, WAYS)
            for shares in ways:
                rows = tuple(
                    tuple(domain.combined(h._asdict() | {name: float(share) * VALUES[name]})
                          for h in problem.hypers[0])
                    for share in shares
                )  # fmt: skip
                yield replace(plain, hypers=rows, kind="normal", seed=problem.seed + 11)

    def edge(self, context: Context) -> list[Observation]:
        """Vectors of the least size that fails, and of one element less, where size matters."""
        problem = context.problem
        sizes = [int(np.prod(s, dtype=int)) for s in problem.shapes]
        if len(sizes) != 1 or sizes[0] < 2 or context.fixed_shapes:
            return []

        def of(size: int) -> Problem:
            return replace(problem, shapes=((size,),), seed=problem.seed + 7)

        most = sizes[0]
        if self.fails(of(1)) or not self.fails(of(most)):
            return []
        least = bisect_left(range(most), True, 2, most, key=lambda size: self.fails(of(size)))
        return self.runs(map(of, (least - 1, least, least + 1)))

    def battery(self, dtype: str) -> list[Observation]:
        """Short runs in every setting that both subject and convention know."""
        if dtype not in self.seen:
            self.seen[dtype] = self.runs(self._battery(dtype))
        return self.seen[dtype]

    def _battery(self, dtype: str) -> Iterator[Problem]:
        facts, known = self.subject.facts, self.convention.knows
        kept = replace(facts, hyper=facts.hyper & known, settable=facts.settable & known)

        def row(**changed: Any) -> tuple[Hyper]:
            return (kept.domain.combined({**VALUES, "nesterov": False, **changed}),)

        def of(rows: Sequence[tuple[Hyper]], kind: str = "normal", seed: int = 0) -> Problem:
            return Problem(dtype, ((8,), (3, 5)), tuple(rows), (0, 0), kind, seed=seed)

        for probe in probes(kept, dtype):
            wide = replace(probe.problem, shapes=((8,), (3, 5), (17,)), groups=(0,) * 3)
            decimal = tuple((_decimal(h, facts.fixed),) for (h,) in wide.hypers)
            yield replace(wide, seed=31)
            yield replace(wide, seed=32, hypers=decimal, kind="normal")
        # Everything at once, with each setting of the flags: what is off hides much.
        for nesterov, maximize in product((False, True), repeat=2):
            yield of([row(nesterov=nesterov, maximize=maximize)] * STEPS, seed=33)
        # And at values, sizes and lengths that no check has chosen: what holds at some is told
        # from what holds at all.
        for changed in ELSEWHERE:
            yield of([row(**changed)] * STEPS, seed=34)
        for kind in ("wide", "from_zero", "late", "faint"):
            yield of([row()] * STEPS, kind, seed=35)
        # Rates of every magnitude, and 0, where all that moves is seen.
        rates = [row(momentum=0.0, dampening=0.0, lr=lr) for lr in (0.0, *RISING)]
        rises = "lr" in facts.settable
        yield of(rates[:1] * 3, "from_zero", seed=38)
        yield of(rates[1:] if rises else rates[1:2] * 3, "from_zero", seed=38)
        every = ((7,), (2, 3), (), (16,), (5,)) * 4
        many = tuple(s for s in every if (s or facts.scalars) and np.prod(s) <= facts.largest)
        yield Problem(dtype, many, (row(),) * 14, (0,) * len(many), seed=36)

    def scalars(self, dtype: str) -> Observation | None:
        """Two steps of many parameters of one element, with gradients of every magnitude."""
        row = (self.subject.facts.domain.combined({"lr": 1.0, "momentum": VALUES["momentum"]}),)
        count = 256
        shapes, groups = ((1,),) * count, (0,) * count
        return self.observed(Problem(dtype, shapes, (row,) * 2, groups, "wide", seed=37))

    def runs(self, problems: Iterable[Problem]) -> list[Observation]:
        """Those of these problems that the subject does not refuse."""
        return [o for p in problems if (o := self.observed(p)) is not None]

    def observed(self, problem: Problem) -> Observation | None:
        """The run; None where the subject refuses this probe, which tells nothing of others."""
        problem = _scheduled(problem)
        text = problem.to_text()
        if text in self.avoided:
            return None
        self.note(text)
        found = tried(self.subject, problem)
        return None if isinstance(found, str) else found


def _scheduled(problem: Problem) -> Problem:
    """With the rates that its scheduler sets, whatever they have been exchanged for."""
    options = dict(problem.options)
    shares = options.get("scheduler")
    if not isinstance(shares, tuple):
        return problem
    shares = (*shares, *shares[-1:] * problem.steps)[: problem.steps]
    first = problem.hypers[0]
    rows = tuple(
        tuple(h._replace(lr=base.lr * share) for h, base in zip(row, first))
        for row, share in zip(problem.hypers, shares)
    )
    options["scheduler"] = shares
    return replace(problem, hypers=rows, options=tuple(options.items()))


def _decimal(h: Hyper, fixed: Mapping[str, object]) -> Hyper:
    """Other numbers, none of which a binary format holds."""
    other = {"lr": h.lr * 0.7, "momentum": h.momentum * 1.1, "dampening": h.dampening * 0.9}
    other |= {"weight_decay": h.weight_decay * 1.3, "nu": h.nu if h.nu == 1 else h.nu * 0.9}
    return h._replace(**{n: x for n, x in other.items() if n not in fixed})


def _apart(h: Hyper, g: int, fixed: Mapping[str, object]) -> Hyper:
    """Numbers that no two groups share; what is off stays off."""
    other = {"lr": h.lr * (1 + g / 5), "momentum": h.momentum * (1 - g / 9)}
    other |= {"dampening": h.dampening * (1 - g / 7), "weight_decay": h.weight_decay * (1 + g / 3)}
    return h._replace(**{n: x for n, x in other.items() if n not in fixed})


def cut(observation: Observation, steps: int) -> Observation:
    """Its first steps."""
    return Observation(
        observation.problem.cut(steps), observation.fed[:steps], observation.iterates[:steps]
    )
