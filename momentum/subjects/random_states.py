"""The random numbers that a whole process shares: their states, seen quickly and put back.

A state has 2500 bytes. It is looked at before and after every call of a subject, so it is read
where the generator keeps it; reading it through the generator takes some 50 times as long.
"""

import ctypes
import random
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

_SIZE = 625 * 4  # 624 words of the Mersenne twister and a position

_PYTHON: Any = vars(random)["random"].__self__
_NUMPY: Any = np.random.mtrand._rand
_BITS: int = _NUMPY._bit_generator.ctypes.state_address


def _python() -> object:
    if sys.implementation.name == "cpython":
        return ctypes.string_at(id(_PYTHON) + object.__basicsize__, _SIZE)
    return random.getstate()


def numpy_state() -> object:
    """That of NumPy's shared generator, as it lies in memory."""
    return ctypes.string_at(_BITS, _SIZE)


def _torch_state() -> Any:
    """That of torch, None where it is not loaded."""
    torch: Any = sys.modules.get("torch")
    return torch.get_rng_state() if hasattr(torch, "get_rng_state") else None


def _torch() -> object:
    state = _torch_state()
    return None if state is None else state.numpy().tobytes()


def _set_torch(state: object) -> None:
    if state is not None:
        sys.modules["torch"].set_rng_state(state)


def _draw_torch() -> None:
    if _torch_state() is not None:
        sys.modules["torch"].rand(1)


class _Generator(NamedTuple):
    """seen: something that differs when the state does. state: all of it. set: puts it back.

    draw: a number that nobody wants.
    """

    seen: Callable[[], object]
    state: Callable[[], Any]
    set: Callable[[Any], None]
    draw: Callable[[], object]


_GENERATORS = (
    _Generator(_python, random.getstate, random.setstate, random.random),
    _Generator(numpy_state, _NUMPY.get_state, _NUMPY.set_state, _NUMPY.random_sample),
    _Generator(_torch, _torch_state, _set_torch, _draw_torch),
)


def stir() -> None:
    """Go on to states that no seed leads to again, so that one who sets a seed is seen."""
    for generator in _GENERATORS:
        generator.draw()


class RandomStates:
    """Remembers the states as they were at `look`, and puts back those that are others."""

    def __init__(self) -> None:
        self.seen: list[object] = [None] * len(_GENERATORS)
        self.states: list[Any] = [None] * len(_GENERATORS)

    def look(self) -> None:
        """Remember them."""
        for i, generator in enumerate(_GENERATORS):
            seen = generator.seen()
            if seen != self.seen[i]:
                self.seen[i], self.states[i] = seen, generator.state()

    @property
    def changed(self) -> bool:
        """Whether one differs from what is remembered."""
        return any(g.seen() != seen for g, seen in zip(_GENERATORS, self.seen))

    def put_back(self) -> None:
        """Set those that differ."""
        for generator, seen, state in zip(_GENERATORS, self.seen, self.states):
            if generator.seen() != seen:
                generator.set(state)
