"""A run whose parameters are JAX arrays and whose state is a tree of them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from momentum.adapters import _libraries
from momentum.adapters._run import COPIES, ArrayRun
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array

CLAIMS: dict[str, Any] = {"dtypes": _libraries.FOUR, **_libraries.XLA}
OFFERS = COPIES | {"state_bytes"}

Update = Callable[[Sequence[Hyper], list[Any], Any, list[Any]], tuple[list[Any], Any]]
"""update(hypers, gradients, state, theta) -> (theta, state)."""


class JaxRun(ArrayRun):
    """A live run. init: the state that belongs to parameters."""

    state = ("theta", "inner", "hypers")

    def __init__(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        init: Callable[[list[Any]], Any],
        update: Update,
    ) -> None:
        super().__init__(_libraries.jax(), parameters, dtype)
        self.inner, self.hypers, self.update = init(self.theta), list(hypers), update

    def advance(self) -> None:
        self.theta, self.inner = self.update(self.hypers, self.grads, self.inner, self.theta)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.hypers[group] = hyper

    def state_bytes(self) -> int:
        """Bytes of the optimizer's state, without the parameters where it holds them."""
        import jax

        own = [x for x in jax.tree.leaves(self.inner) if not any(x is p for p in self.theta)]
        return sum(int(np.asarray(x).nbytes) for x in own)
