"""What runs on arrays of any library share: numbers there and back, and copies."""

import copy
import pickle
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._libraries import Library
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient

COPIES = frozenset({"resume", "deepcopy", "pickle", "fed"})
"""What every such run offers, where nothing of its framework is in the way."""

IN_PLACE = frozenset({"overwrite", "storage"})
"""What it offers beside, where its arrays are NumPy's."""


class ArrayRun:
    """A live run of which only `advance` and `set` are its framework's own.

    theta: the parameters. grads: the last gradients, None where there was none. state: the names
    of the attributes that hold all that a later step depends on. takes_none: gradients may be None.
    """

    state: tuple[str, ...] = ("theta", "optimizer")
    takes_none = False
    optimizer: Any

    def __init__(self, library: Library, parameters: Sequence[Array], dtype: str) -> None:
        self.library, self.dtype = library, dtype
        self.shapes = [np.shape(x) for x in parameters]
        self.theta = [library.make(x, dtype) for x in parameters]
        self.grads: list[Any] = []

    def advance(self) -> None:
        """One step of `theta` along `grads`."""
        raise NotImplementedError

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        raise NotImplementedError

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step; None where there is no gradient."""
        given = gradients if self.takes_none else _shared.complete(gradients)
        self.grads = [None if g is None else self.library.make(g, self.dtype) for g in given]
        self.advance()

    def arrays(self) -> Sequence[Any]:
        """The parameters as arrays of the library."""
        return self.theta

    def parameters(self) -> list[Array]:
        """Copies as float64."""
        numbers, dtype = self.library.numbers, self.library.dtype
        return [
            _shared.read(i, numbers(x), dtype(x), self.dtype, self.shapes[i])
            for i, x in enumerate(self.arrays())
        ]

    def fed(self) -> list[Array | None]:
        """The last gradients, as they read now."""
        return [None if g is None else self.library.numbers(g) for g in self.grads]

    def overwrite_fed(self) -> None:
        """Fill the last gradients with nan, in place."""
        assert self.library.fill is not None, "not offered where arrays never change"
        for g in self.grads:
            if g is not None:
                self.library.fill(g)

    def storage(self) -> list[tuple[int, int]]:
        """Where the parameters are, as NumPy tells it."""
        return [(id(x), x.ctypes.data) for x in self.arrays()]

    def save(self) -> object:
        """All state, parameters and hyper-parameters too."""
        return pickle.dumps({n: getattr(self, n) for n in self.state})

    def load(self, saved: Any) -> None:
        """Go on from what `save` returned."""
        vars(self).update(pickle.loads(saved))

    def duplicate(self, how: str) -> Self:
        """An independent copy of this run, by deepcopy or pickle."""
        held = {n: getattr(self, n) for n in self.state}
        twin = copy.copy(self)
        vars(twin).update(
            copy.deepcopy(held) if how == "deepcopy" else pickle.loads(pickle.dumps(held))
        )
        return twin
