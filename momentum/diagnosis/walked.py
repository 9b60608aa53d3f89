"""Steps in which an array goes through a function that no rule is written with.

A gradient, a velocity, a step or a parameter is taken, and something else is made of it: a limit,
a norm, a coarser format, another order. Every step is walked from the subject's own last iterate,
with a velocity of the hypothesis' own; what is not known of that velocity, after the roundings so
far, is walked along on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from momentum.arithmetic import FORMATS, Format, format_of
from momentum.conventions import Convention
from momentum.diagnosis.arrays import GRADIENT, Change, Here, Place, Taken
from momentum.diagnosis.hypothesis import Array, Hypothesis, Mask, Suspect, anywhere, gap
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Subject

ROUNDINGS = 16
"""Of the largest numbers of a step, that may have led to its result: a heuristic."""

CHANGED = 2.0**-6
"""Part of an array by which another one is taken for changed, before it is walked: a guess."""

SEEN = 2.0**-5
"""Part of a parameter by which a step of any format must move it to be seen."""


@dataclass(frozen=True)
class Walked(Hypothesis):
    """A convention in which one array goes through a function at every step.

    always: also where there is no gradient.
    """

    place: Place = GRADIENT
    change: Change = field(default=lambda a, here: a)
    always: bool = False

    @classmethod
    def suspected(
        cls, own: Convention, words: str, place: Place, change: Change, always: bool = False
    ) -> Suspect[Hypothesis]:
        """A function in a place of a convention, as a possible cause."""
        plain = Hypothesis.of(own)
        return Suspect(words, cls(
            plain.base, plain.convention, (words,), place=place, change=change, always=always
        ))  # fmt: skip

    def replayed(self, observation: Observation) -> list[list[Array]]:
        """Iterates, each by one step from the subject's own last one."""
        rows = self._walk(observation)[0]
        return self._inside(observation, rows, self._plain(observation)) if self.scopes else rows

    def moved(self, observation: Observation) -> list[Mask]:
        """Elements that another number was made for, flat."""
        plain = self._plain(observation)
        return anywhere(lambda a, b: gap(a, b) != 0, self.replayed(observation), plain)

    def ratios(self, subject: Subject, observation: Observation, format: str = "") -> list[Array]:
        """For each element the largest error as a fraction of its bound, flat."""
        dtype = format or observation.problem.dtype
        rows, bounds = self._walk(observation, subject.facts.format_name(dtype))
        inside = self._where(observation)
        outside: list[Array] = []
        worst: list[Array] = []
        if not all(m.all() for m in inside):
            outside = Hypothesis.of(self.base).ratios(subject, observation, format)
        with np.errstate(all="ignore"):
            for i, mask in enumerate(inside):
                errors = np.array([gap(a[i], b[i]).ravel()
                                   for a, b in zip(observation.iterates, rows)])  # fmt: skip
                bound = np.array([np.ravel(row[i]) for row in bounds])
                known = np.isfinite(bound) & (errors > 0)
                ratio = np.max(np.where(known, errors / bound, 0.0), axis=0, initial=0.0)
                worst.append(np.where(mask, ratio, outside[i]) if outside else ratio)
        return worst

    def _plain(self, observation: Observation) -> list[list[Array]]:
        return replace(self, change=lambda a, here: a)._walk(observation)[0]

    def _where(self, observation: Observation) -> list[Mask]:
        return [self.inside(observation, i) for i in range(len(observation.problem.shapes))]

    def _inside(
        self, observation: Observation, rows: list[list[Array]], plain: list[list[Array]]
    ) -> list[list[Array]]:
        masks = [m.reshape(x.shape)
                 for m, x in zip(self._where(observation), observation.problem.start)]  # fmt: skip
        return [[np.where(m, x, y) for m, x, y in zip(masks, a, b)] for a, b in zip(rows, plain)]

    @np.errstate(all="ignore")
    def _walk(
        self, observation: Observation, dtype: str = ""
    ) -> tuple[list[list[Array]], list[list[Array]]]:
        """Iterates and how far they may be off in a dtype, 0 for none, by step and parameter."""
        problem, rule, format = observation.problem, self.convention, format_of(dtype or "float64")
        unit = ROUNDINGS * format.operation_u
        here = [np.asarray(x, dtype=np.float64) for x in problem.start]
        states = [rule.initial for _ in here]
        doubts = [0 * x for x in here]
        past = [[x] for x in here]
        rows, bounds = [], []
        layout = str(dict(problem.options).get("layout", ""))
        for t, fed in enumerate(observation.fed):
            row, bound = [x.copy() for x in here], [0 * x for x in here]
            heres = {
                i: Here(here[i], g, states[i], problem.hypers[t][problem.groups[i]],
                        past[i], layout, dtype=problem.dtype)
                for i, g in enumerate(fed) if g is not None or self.always
            }  # fmt: skip
            sides = (0, 1, -1) if dtype else (0,)
            ends = [self._taken(rule, heres, doubts, side) for side in sides]
            for i, now in heres.items():
                if ends[0][i] is None:
                    continue
                (x, state), *others = (e[i] or (here[i], states[i]) for e in ends)
                row[i], states[i] = x, state
                if not others:
                    continue
                sized = now._replace(x=abs(now.x), g=None if now.g is None else abs(now.g),
                                     h=now.h._replace(maximize=False))  # fmt: skip
                if now.state.step:
                    sized = sized._replace(state=now.state._replace(v=abs(now.state.v)))
                wide, grown = sized.taken(rule)
                with np.errstate(all="ignore"):
                    large = abs(x) + sized.x + abs(wide - sized.x)
                    apart = np.max([abs(o[0] - x) for o in others], axis=0)
                    bound[i] = apart + unit * large + 4 * format.smallest_subnormal
                    apart = np.max([abs(o[1].v - state.v) for o in others], axis=0)
                    doubts[i] = apart + unit * (abs(grown.v) + abs(state.v))
            rows.append(row)
            bounds.append(bound)
            here = [np.asarray(x, dtype=np.float64) for x in observation.iterates[t]]
            for i in heres:
                past[i].append(here[i])
        return rows, bounds

    def _taken(
        self, rule: Convention, heres: dict[int, Here], doubts: Sequence[Array], side: int
    ) -> dict[int, Taken | None]:
        """The step of each parameter, with velocities off to one side by what is not known."""
        now = {
            i: h._replace(state=h.state._replace(v=h.state.v + side * doubts[i]))
            if h.state.step else h for i, h in heres.items()
        }  # fmt: skip
        seen = {i: self.place.seen(rule, h) for i, h in now.items() if self.place.knows(rule, h)}
        every = list(seen.values())
        found: dict[int, Taken | None] = {}
        for i, h in now.items():
            if i not in seen:
                found[i] = h.taken(rule)
                continue
            with np.errstate(all="ignore"):
                new = self.change(seen[i], h._replace(every=every))
            found[i] = None if new is None else self._by(rule, h, seen[i], new)
        return found

    def _by(self, rule: Convention, here: Here, old: Array, new: Array) -> Taken:
        if np.array_equal(new, old, equal_nan=True):
            return here.taken(rule)
        with np.errstate(all="ignore"):
            return self.place.taken(rule, here, np.asarray(new))


def blur(format: Format) -> float:
    """The same part where rounding hides less."""
    return float(min(CHANGED, 4 * format.u**0.5))


def pairs(
    place: Place, rule: Convention, observation: Observation, step: int
) -> "list[tuple[Array, Array, Here]]":
    """What stood in a place at a step (from 1), and what was taken there by the movement.

    The step is linear in it: x' = a + b y, and y_taken = (x'_seen - a) / b; nan where rounding
    hides it.
    """
    format = FORMATS[observation.problem.dtype]
    least = min(SEEN, 8 * format.u / blur(format))
    problem = observation.problem
    found = []
    before = problem.start if step == 1 else observation.iterates[step - 2]
    for i, (x, got) in enumerate(zip(before, observation.iterates[step - 1])):
        g, state = observation.fed[step - 1][i], rule.initial
        if g is None or not g.size:
            continue
        here = np.asarray(problem.start[i], dtype=np.float64)
        for t in range(step - 1):
            fed, h = observation.fed[t][i], problem.hypers[t][problem.groups[i]]
            if fed is not None:
                state = Here(here, fed, state, h).taken(rule)[1]
            here = np.asarray(observation.iterates[t][i], dtype=np.float64)
        now = Here(np.asarray(x, dtype=np.float64), g, state,
                   problem.hypers[step - 1][problem.groups[i]],
                   dtype=problem.dtype)  # fmt: skip
        if not place.knows(rule, now):
            continue
        with np.errstate(all="ignore"):
            old = place.seen(rule, now)
            raw = place.taken(rule, now, old)[0]
            far = float(np.max(np.abs(old), initial=0.0)) or 1.0
            slope = (place.taken(rule, now, old + far)[0] - raw) / far
            clear = np.abs(slope * old) > least * np.abs(now.x)
            found.append((old, np.where(clear, old + (got - raw) / slope, np.nan), now))
    every = [a for a, _, _ in found]
    return [(a, b, h._replace(every=every)) for a, b, h in found]
