"""Whether a function of NumPy arrays takes them as they may lie in memory."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from momentum.adapters._functions.steps import Way
from momentum.conventions import Hyper
from momentum.subjects.isolation import Lost, stream, trial_limit
from momentum.subjects.protocol import LAYOUTS
from momentum.subjects.strangers import in_words

IN_C_ORDER = ("offset",)
"""Layouts that memory read by its address may have."""

SHAPES = ((3, 5), (4, 3), (2, 3))


class _Addressed(np.ndarray):
    """An array that remembers whether it was asked where its memory is, while that has gaps."""

    asked: ClassVar[list[bool]] = []

    def _note(self) -> None:
        if not self.flags.c_contiguous:
            self.asked.append(True)

    @property
    def ctypes(self) -> Any:
        self._note()
        return super().ctypes

    @property
    def __array_interface__(self) -> Any:
        self._note()
        return np.asarray(self).__array_interface__


def lying(way: Way, h: Hyper, dtype: str) -> tuple[Way, str]:
    """The same, with the layouts that it takes; and why it takes none of some others.

    What reads memory by its address promises no more than C order, as what raises does.
    """
    found = list(stream(lambda: _tried(way, h, dtype), trial_limit(5.0)))
    seen = [x for x in found if not isinstance(x, Lost)]
    if len(seen) < len(found):
        return replace(way, layouts=frozenset()), "arrays that are not in C order end it"
    taken = {layout: x for layout, x in seen if not isinstance(x, str)}
    why = next((x for _, x in seen if isinstance(x, str)), "")
    if "transposed" not in taken:
        taken = {layout: own for layout, own in taken.items() if layout in IN_C_ORDER}
    own = all(taken.values())
    lost = "" if own else "parameters in another order than C's: what it writes there is lost"
    return replace(way, layouts=frozenset(taken), own_layout=own), why or lost


def _tried(way: Way, h: Hyper, dtype: str) -> Iterator[tuple[str, str | bool]]:
    """Layout -> why it is not taken, or whether parameters may have it."""
    by_address = _addressed(way, h, dtype)
    if by_address:
        yield "", "it reads memory by its address"
    for layout in IN_C_ORDER if by_address else LAYOUTS[1:]:
        run = way.begin([np.full(s, 8.0) for s in SHAPES], h, dtype, layout)
        before = run.parameters()
        try:
            run.step([np.full(s, 2.0) for s in SHAPES])
            after = run.parameters()
        except Exception as error:  # whatever a stranger's code does
            yield layout, f"{layout} arrays: {in_words(error)}"
        else:
            moved = [not np.array_equal(a, b) for a, b in zip(before, after)]
            # Written into a copy of what is not in C order, and lost.
            yield layout, (moved[0] and moved[2]) or not moved[1]


def _addressed(way: Way, h: Hyper, dtype: str) -> bool:
    run = way.begin([np.full(SHAPES[0], 8.0)], h, dtype)
    x = np.zeros(SHAPES[0][::-1], dtype).T.view(_Addressed)
    g, theta, v = (run.handed_over([x.copy(order="K")], role)[0] for role in ("grad", "theta", "v"))
    arrays = {"theta": theta, "v": v}
    carried = {n: arrays.get(str(m), run.held[0][n]) for n, m in way.carried.items()}
    try:
        way.call(h, carried, run.values(g, lambda *x: g))
    except Exception:  # it has come through with arrays that remember nothing
        return False
    return bool(_Addressed.asked)
