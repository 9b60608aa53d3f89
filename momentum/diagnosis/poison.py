"""Numbers that are not finite, and what they do to other elements and parameters."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from momentum.conventions import Convention
from momentum.diagnosis.arrays import GRADIENT, PARAMETER, Here
from momentum.diagnosis.hypothesis import Array, Hypothesis, Mask, Suspect
from momentum.diagnosis.scopes import WIDTHS
from momentum.diagnosis.walked import Walked
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Subject


@dataclass(frozen=True)
class Poisoning(Walked):
    """A function that makes numbers nan, or leaves them as they were: nan is what it says."""

    def silent(self, observation: Observation) -> list[Mask]:
        """No element: it has a formula everywhere."""
        return [np.zeros(x.size, bool) for x in observation.problem.start]

    def ratios(self, subject: Subject, observation: Observation, format: str = "") -> list[Array]:
        """Infinite where one is nan and one is not, and its own gradients do not account for it."""
        found = super().ratios(subject, observation, format)
        for i, ratio in enumerate(found):
            rows = zip(observation.fed, observation.iterates, self.replayed(observation))
            sick = np.zeros(ratio.size, bool)
            for fed, got, wanted in rows:
                if (g := fed[i]) is not None:
                    sick |= ~np.isfinite(np.ravel(g))
                ratio[np.ravel(np.isnan(got[i]) ^ np.isnan(wanted[i])) & ~sick] = np.inf
        return found


Poisoned = Callable[[Array], Mask]
"""Which elements are poisoned."""

KINDS: dict[str, Poisoned] = {
    "nan": np.isnan,
    "inf or nan": lambda a: ~np.isfinite(a),
}

Reach = Callable[[Poisoned, Array, Here], Mask]
"""The elements that poison reaches."""


def _block(width: int, poisoned: Poisoned, a: Array, here: Here) -> Mask:
    places = np.arange(a.size) // width
    sick = np.unique(places[np.ravel(poisoned(a))])
    return np.isin(places, sick).reshape(a.shape)


def _row(poisoned: Poisoned, a: Array, here: Here) -> Mask:
    others = tuple(range(1, a.ndim))
    return np.broadcast_to(np.any(poisoned(a), axis=others, keepdims=True), a.shape)


REACHES: dict[str, Reach] = {
    "its parameter": lambda p, a, here: np.full(a.shape, bool(p(a).any())),
    "all parameters": lambda p, a, here: np.full(a.shape, any(p(x).any() for x in here.every)),
    "its row": _row,
    **{f"its block of {width} elements": partial(_block, width) for width in WIDTHS},
}
"""What surrounds an element, the widest first."""

Sick = Callable[[Array, Here], Mask]


def poisoning(convention: Convention, observation: Observation) -> Iterator[Suspect[Hypothesis]]:
    """What gradients that are not finite do beyond their elements, where this run has some."""
    present = [g for row in observation.fed for g in row if g is not None]
    if all(np.isfinite(g).all() for g in present):
        return
    for kind, poisoned in KINDS.items():
        for where, reach in REACHES.items():
            sick = partial(reach, poisoned)
            lost = partial(_filled, np.nan, sick)
            for words, place, change in (
                (f"{kind} in a gradient spreads over {where}", GRADIENT, lost),
                (f"{kind} in a parameter spreads over {where}", PARAMETER, lost),
                (f"{kind} in a gradient leaves {where} out of the step", GRADIENT,
                 partial(_out, sick)),
                (f"{kind} in a gradient makes all of {where} count as 0", GRADIENT,
                 partial(_filled, 0.0, sick)),
            ):  # fmt: skip
                yield Poisoning.suspected(convention, words, place, change)


def _filled(number: float, sick: Sick, a: Array, here: Here) -> Array:
    return np.where(sick(a, here), number, a)


def _out(sick: Sick, a: Array, here: Here) -> Array | None:
    """Parts of a parameter cannot be left out."""
    return None if a.size and sick(a, here).all() else a
