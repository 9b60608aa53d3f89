"""One parameter of a live optimizer, at its watched coordinates, with the oracle beside it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from momentum.arithmetic import format_of
from momentum.conventions import Convention, Hyper
from momentum.oracle.linear import Linear
from momentum.oracle.plan import Plan
from momentum.watching.reading import Array, local, taken, velocity_of
from momentum.watching.sample import Indices


class Worst(NamedTuple):
    """The worst coordinate of a comparison, and how many are beyond their bound.

    how: "step" or "trajectory". k: position in the sample. moved: what the wrong coordinates did,
    where one word fits them all.
    """

    how: str
    ratio: float
    k: int
    got: float
    exact: float
    bound: float
    wrong: int
    moved: str


class Watched:
    """The oracle's two walks at some coordinates of a parameter.

    along: the trajectory since watching began. single: each step from where the parameter was.
    Both make their velocity from the gradients that they are given.
    """

    def __init__(self, p: Tensor, convention: Convention, indices: Indices) -> None:
        self.convention, self.indices = convention, indices
        self.positions = torch.from_numpy(indices).to(local(p).device)
        self.format = format_of(str(p.dtype).removeprefix("torch."))
        start = taken(p, self.positions).cpu().numpy()
        self.along, self.single = (self._from(start) for _ in range(2))
        self.last: Array | None = None
        self.fresh = False
        self.idle = False

    def _from(self, start: Array) -> Linear:
        return Linear(Plan(self.convention, self.format, own_error=True), start)

    def take_state(self, p: Tensor, kept: Mapping[str, Any]) -> None:
        """Start from the velocity that the optimizer's own state shows, or from none.

        Raises: ValueError where the convention needs more than the state shows.
        """
        velocity = velocity_of(kept, p)
        state: dict[str, Any] = {}
        if velocity is not None:
            others = set(type(self.convention.initial)._fields) - {"step", "v"}
            if not others <= set(kept):
                raise ValueError(
                    f"the optimizer has a velocity already, and its state does not show"
                    f" {', '.join(sorted(others))}, which {self.convention.name} needs to go on"
                )
            held = taken(velocity, self.positions).cpu().numpy()
            state = {**{n: float(kept[n]) for n in others}, "step": 1, "v": held}
        self.along, self.single = (self._from(x.value) for x in (self.along, self.single))
        if state:
            for walk in (self.along, self.single):
                walk.resume(state)
        self.fresh, self.last = False, None

    def moved_beside(self, before: Array) -> bool:
        """Whether the parameter was changed since the last step; it is followed where it went."""
        if self.last is not None and np.array_equal(before, self.last, equal_nan=True):
            return False
        self.along.move_to(before)
        return self.last is not None

    def step(self, before: Array, grad: Array, after: Array, h: Hyper) -> None:
        """The oracle takes the step that the optimizer has taken."""
        self.single.move_to(before)
        self.last = after
        with np.errstate(all="ignore"):
            for walk in (self.along, self.single):
                walk.take(grad, h)

    def compared(self, before: Array, after: Array) -> list[Worst]:
        """Both comparisons; a walk that was left behind goes on from where the parameter is."""
        found = []
        for how, walk in (("step", self.single), ("trajectory", self.along)):
            worst = _worst(how, before, after, walk.value, walk.bound)
            found.append(worst)
            if worst.wrong:
                walk.move_to(after)
        return found


def _worst(how: str, before: Array, after: Array, exact: Array, bound: Array) -> Worst:
    error = np.abs(after - exact)
    with np.errstate(all="ignore"):
        ratio = np.where(error == 0, 0.0, error / bound)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    ratio[~np.isfinite(exact) | ~np.isfinite(bound)] = 0.0  # no claim
    if not ratio.size:
        return Worst(how, 0.0, 0, 0.0, 0.0, 0.0, 0, "")
    k = int(np.argmax(ratio))
    wrong = ratio > 1
    moved = _moved(before, after, exact, bound, wrong) if wrong.any() else ""
    return Worst(
        how, float(ratio[k]), k, float(after[k]), float(exact[k]), float(bound[k]),
        int(wrong.sum()), moved,
    )  # fmt: skip


def _moved(
    before: Array, after: Array, exact: Array, bound: Array, wrong: NDArray[np.bool_]
) -> str:
    """What the wrong coordinates did, in words that fit them all."""
    if np.array_equal(before[wrong], after[wrong]):
        return "they were left as they were"
    went, due, doubt = (x[wrong] for x in (after - before, exact - before, bound))
    factor = float(went @ due / (due @ due)) if due.any() else 0.0
    if len(went) > 1 and np.all(np.abs(went - factor * due) <= (1 + abs(factor)) * doubt):
        return f"they moved {factor:.4g} times as far as they should"
    return ""
