"""Whether a function of NumPy arrays takes them as they may lie in memory."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from momentum.adapters._steps import Way
from momentum.conventions import Hyper
from momentum.subjects.isolation import Lost, stream, trial_limit
from momentum.subjects.protocol import LAYOUTS

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
    """The same, with its own layouts of parameters if it takes them; and why it takes none.

    What reads memory by its address promises no more than C order, as what raises does.
    """

    def tried() -> Iterator[tuple[bool, str]]:
        yield _tried(way, h, dtype)

    got = list(stream(tried, trial_limit(5.0)))
    if not got or isinstance(got[0], Lost):
        return way, "a step of arrays that are not in C order does not come back"
    own, why = got[0]
    return replace(way, own_layout=own), why


def _tried(way: Way, h: Hyper, dtype: str) -> tuple[bool, str]:
    own = True
    for layout in LAYOUTS:
        run = way.begin([np.full(s, 8.0) for s in SHAPES], h, dtype, layout)
        before = run.parameters()
        try:
            run.step([np.full(s, 2.0) for s in SHAPES])
            after = run.parameters()
        except Exception as error:  # whatever a stranger's code does
            text = " ".join(f"{type(error).__name__}: {error}".split())
            return own, f"{text[:160]}"
        moved = [not np.array_equal(a, b) for a, b in zip(before, after)]
        # Written into a copy of what is not in C order, and lost.
        own = own and not (moved[1] and not (moved[0] and moved[2]))
    return own, "it reads memory by its address" if _addressed(way, h, dtype) else ""


def _addressed(way: Way, h: Hyper, dtype: str) -> bool:
    run = way.begin([np.full(SHAPES[0], 8.0)], h, dtype)
    x = np.zeros(SHAPES[0][::-1], dtype).T.view(_Addressed)
    g, theta, v = (run.handed_over([x.copy(order="K")])[0] for _ in range(3))
    arrays = {"theta": theta, "v": v}
    carried = {n: arrays.get(str(m), run.held[0][n]) for n, m in way.carried.items()}
    try:
        way.call(h, carried, run.values(g, lambda *x: g))
    except Exception:  # it has come through with arrays that remember nothing
        return False
    return bool(_Addressed.asked)
