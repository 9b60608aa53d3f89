"""Parameters of a live optimizer that step alike, at their watched coordinates, and the oracle."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from momentum.arithmetic import FORMATS, Format
from momentum.conventions import Convention, Hyper
from momentum.oracle.given import Array
from momentum.oracle.linear import Linear
from momentum.watching.causes import Step, Term, cause
from momentum.watching.reading import coordinate, taken
from momentum.watching.report import Violation
from momentum.watching.sample import Indices
from momentum.watching.walks import Prior, begun, beyond, copied, prior_to

STALE_GRADIENT = "the gradient is that of the step before"
STALE_VELOCITY = "the velocity is that from before the loaded state"

NARROW = FORMATS["bfloat16"]
"""The narrowest format that a velocity is kept in."""


@dataclass(frozen=True, eq=False)
class Member:
    """A watched parameter. positions: of its elements, on its device; None where all are."""

    p: Tensor
    name: str
    group: int
    indices: Indices
    positions: Tensor | None


class Given(NamedTuple):
    """What was seen of a bundle in a step, on the host.

    rank, step: of which process, and its number. start: what the state showed, where the bundle
    begins with this step. scale: by which the step divides its gradients, which stand here divided.
    skipped: a scaler told the step to do nothing.
    """

    rank: int
    step: int
    before: Array
    grad: Array
    after: Array
    h: Hyper
    start: dict[str, Any] | None
    scale: float = 1.0
    skipped: bool = False


@dataclass(eq=False)
class Bundle:
    """Parameters that share options and history: one block of coordinates to the oracle.

    along: the trajectory since watching began. single: each step from where the parameter was,
    where the last step was compared too. Velocities are made of the gradients that are given.
    begins: it starts at its next step, from what the state shows then. still: its momentum is 0.
    parent: the bundle that it was a part of, or takes the place of, until its first step. loaded:
    of parameters that a load left where they were, whether it brought the velocity that they had.
    """

    members: tuple[Member, ...]
    convention: Convention
    format: Format
    linear: bool
    begins: bool = True
    still: bool = False
    parent: "tuple[Bundle, NDArray[np.bool_]] | None" = None
    along: Any = None
    single: Any = None
    last: Array | None = None
    past: dict[str, tuple[str, Array]] = field(default_factory=dict)
    loaded: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each member's coordinates end."""
        return np.cumsum([len(m.indices) for m in self.members])

    def split(self, keys: Sequence[Hashable]) -> "list[Bundle]":
        """The members of each key by themselves; their histories part from here on."""
        if len(set(keys)) == 1:
            return [self]
        parts = []
        for key in dict.fromkeys(keys):
            chosen = [k == key for k in keys]
            mask = np.repeat(chosen, [len(m.indices) for m in self.members])
            members = tuple(m for m, here in zip(self.members, chosen) if here)
            parts.append(Bundle(members, self.convention, self.format, self.linear, self.begins,
                                self.still, None if self.begins else (self, mask)))  # fmt: skip
        return parts

    def renewed(self) -> "Bundle":
        """The same parameters, to begin anew from the state that the optimizer shows."""
        return Bundle(
            self.members, self.convention, self.format, self.linear, parent=(self, np.array(True))
        )

    def read(self, tensors: Sequence[Tensor | None]) -> list[Tensor]:
        """Each member's tensor at its positions."""
        return [taken(x, m.positions) for x, m in zip(tensors, self.members) if x is not None]

    def step(self, given: Given, compared: bool) -> tuple[float, list[Violation], list[Member]]:
        """The oracle takes the step that the optimizer has taken.

        Returns the worst error / bound, what is wrong, and whose members were changed beside.
        """
        beside = self._begin(given)
        if given.skipped:
            self.last = given.after
            moved = (given.after != given.before) & ~np.isnan(given.before)
            still = np.zeros_like(given.before)
            return 0.0, self._placed("skipped", given, given.before, still, moved, None), beside
        ratio = 0.0
        wrong: list[Violation] = []
        with np.errstate(all="ignore"):
            if compared:
                self.single = copied(self.along) if self.single is None else self.single
                self.single.move_to(given.before)
                prior = prior_to(self.single)
                self.single.take(given.grad, given.h)
            else:
                self.single = None
            self.along.take(given.grad, given.h)
            for how, walk in (("step", self.single), ("trajectory", self.along)):
                if not compared:
                    break
                peak, wide = beyond(given.after, walk)
                ratio = max(ratio, peak)
                if wide is not None:
                    # Once each: a wrong step leads off the trajectory.
                    told = {x.parameter for x in wrong}
                    placed = self._placed(how, given, walk.value, walk.bound, wide, prior)
                    wrong += [x for x in placed if x.parameter not in told]
                    walk.move_to(given.after)
        self.last = given.after
        self.past = {STALE_GRADIENT: ("gradient", given.grad)}
        return ratio, wrong, beside

    def _begin(self, given: Given) -> list[Member]:
        """Take the history on from where it is kept; members that were changed since their step."""
        if self.along is None and given.start is not None:
            self.along = begun(self.convention, self.format, self.linear, given.before)
            if given.start:
                self.along.resume({**given.start, "step": 1})
            if self.parent is not None:
                self._remember(self.parent[0])
                self._recognise(self.parent[0], given)
        self._take_on()
        if self.last is None or np.array_equal(given.before, self.last, equal_nan=True):
            return []
        self.along.move_to(given.before)
        same = (given.before == self.last) | (np.isnan(given.before) & np.isnan(self.last))
        parts = np.split(same, self.ends[:-1])
        return [m for m, part in zip(self.members, parts) if not part.all()]

    def _take_on(self) -> None:
        """Go on with the part of a history that is kept where this bundle was split off."""
        if self.along is None and self.parent is not None:
            source, mask = self.parent
            source._take_on()  # it may have been split again before it took a step
            self.along = copied(source.along, mask)
            self.last = None if source.last is None else source.last[mask]
            self.past = {words: (name, x[mask]) for words, (name, x) in source.past.items()}

    def _remember(self, source: "Bundle") -> None:
        """The velocity that a load has replaced, which somebody may go on with."""
        if isinstance(source.along, Linear) and "v" in source.along.arrays:
            self.past = {STALE_VELOCITY: ("velocity", source.along.arrays["v"].copy())}

    def _recognise(self, source: "Bundle", given: Given) -> None:
        """See `loaded`; what is neither as near as a narrow format keeps it nor plainly another,
        or is set to zero, is left out."""
        if source.last is None or STALE_VELOCITY not in self.past or "v" not in (given.start or {}):
            return
        assert given.start is not None
        held, now = self.past[STALE_VELOCITY][1], given.start["v"]
        parts = [np.split(x, self.ends[:-1]) for x in (given.before, source.last, held, now)]
        for member, before, last, was, brought in zip(self.members, *parts):
            size = max(np.max(np.abs(x), initial=0.0) for x in (was, brought))
            apart = float(np.max(np.abs(was - brought), initial=0.0))
            if np.array_equal(before, last) and brought.any() and size < np.inf:
                if apart <= NARROW.u * size:
                    self.loaded[member.name] = True
                elif apart > 16 * NARROW.u * size:
                    self.loaded[member.name] = False

    def _placed(
        self, how: str, given: Given, exact: Array, bound: Array, wrong: NDArray[np.bool_],
        prior: Prior | None,
    ) -> list[Violation]:  # fmt: skip
        """Each parameter's worst coordinate, of those that are wrong."""
        found = []
        starts = [0, *self.ends[:-1]]
        for m, start, end in zip(self.members, starts, self.ends):
            here = np.flatnonzero(wrong[start:end]) + start
            if not len(here):
                continue
            error = np.abs(given.after - exact)[here]
            with np.errstate(divide="ignore"):
                k = int(here[np.argmax(error / bound[here])])
            index = int(m.indices[k - start])
            step = Step(*(x[here] for x in (given.before, given.after, exact, bound)))
            found.append(Violation(
                given.rank, given.step, m.group, m.name, index, coordinate(m.p, index), how,
                float(given.after[k]), float(exact[k]), float(bound[k]), len(here), len(m.indices),
                self._cause(given, step, here, prior) if how == "step" else "",
            ))  # fmt: skip
        return found

    def _cause(self, given: Given, step: Step, here: NDArray[np.int64], prior: Prior | None) -> str:
        terms: dict[str, Term] = {}
        if prior is not None:
            state, rows = prior
            zero, one = np.zeros(1), np.ones(1)
            none = state._replace(**dict.fromkeys(rows, zero))
            moves = {"gradient": (one, none, given.grad)}
            if "v" in rows and state.step:
                moves["velocity"] = zero, none._replace(v=one), rows["v"]
            for name, (grad, held, x) in moves.items():
                moved, _ = self.convention.step(zero, grad, held, given.h)
                terms[name] = Term(float(moved[0]), x[here])
        others = {words: (name, x[here]) for words, (name, x) in self.past.items() if name in terms}
        return cause(step._replace(terms=terms, others=others), given.scale)
