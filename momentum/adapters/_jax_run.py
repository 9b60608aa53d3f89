"""A run whose parameters are JAX arrays and whose state is a tree of them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient

DTYPES = ("float32", "float64", "float16", "bfloat16")
OFFERS = frozenset({"resume", "deepcopy", "pickle", "fed", "state_bytes"})

Update = Callable[[Sequence[Hyper], list[Any], Any, list[Any]], tuple[list[Any], Any]]
"""update(hypers, gradients, state, theta) -> (theta, state)."""


def enable_float64() -> None:
    """Switch JAX to 64 bits, without which it turns float64 into float32 unasked."""
    import jax

    jax.config.update("jax_enable_x64", True)


class JaxRun(_shared.Keeper):
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
        import jax.numpy as jnp

        self.dtype, self.shapes = dtype, [np.shape(x) for x in parameters]
        self.theta = [jnp.array(x, dtype) for x in parameters]
        self.inner = init(self.theta)
        self.hypers = list(hypers)
        self.update = update
        self.grads: list[Any] = []

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step of all parameters."""
        import jax.numpy as jnp

        self.grads = [jnp.array(g, self.dtype) for g in _shared.complete(gradients)]
        self.theta, self.inner = self.update(self.hypers, self.grads, self.inner, self.theta)

    def parameters(self) -> list[Array]:
        """Copies as float64."""
        return _shared.read_all(self.theta, self.dtype, self.shapes)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        self.hypers[group] = hyper

    def fed(self) -> list[Array]:
        """The last gradients, as they read now."""
        return [np.asarray(g).astype(np.float64) for g in self.grads]

    def state_bytes(self) -> int:
        """Bytes of the optimizer's state, without the parameters where it holds them."""
        import jax

        own = [x for x in jax.tree.leaves(self.inner) if not any(x is p for p in self.theta)]
        return sum(int(np.asarray(x).nbytes) for x in own)
