"""jax.example_libraries.optimizers: `momentum`, `nesterov` and what else is a triple of functions.

The state does not hold the hyper-parameters: the triple is made anew at every step.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from momentum.adapters import _libraries
from momentum.adapters._declared import DeclaredRun
from momentum.adapters._record import callables_of, framework
from momentum.adapters._run import COPIES, ArrayRun
from momentum.conventions import Hyper

if TYPE_CHECKING:
    from jax.example_libraries import optimizers


OFFERS = COPIES | {"state_bytes"}


class JaxRun(ArrayRun):
    """A live run. inner: the optimizer's state, which may hold the parameters too."""

    inner: object

    def state_bytes(self) -> int:
        """Bytes of the optimizer's state, without the parameters where it holds them."""
        import jax

        own = [x for x in jax.tree.leaves(self.inner) if not any(x is p for p in self.theta)]
        return sum(int(np.asarray(x).nbytes) for x in own)


class _Run(DeclaredRun, JaxRun):
    """It steps through such a triple, uncompiled."""

    of_library = _libraries.jax
    offers = DeclaredRun.offers | {"schedulers"}
    options = ("scheduler",)
    nesterov = ("nesterov",)
    state = ("theta", "inner", "count", "h")

    def begin(self, hyper: Hyper, scheduler: Sequence[float] = ()) -> None:
        """scheduler: factors of the rate."""
        self.h, self.factors, self.count = hyper, scheduler, 0
        self.inner = self._triple()[0](self.theta)

    def advance(self) -> None:
        _, change, get = self._triple()
        self.inner = change(self.count, self.grads, self.inner)
        self.theta, self.count = get(self.inner), self.count + 1

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def _triple(self) -> "optimizers.Optimizer":
        given = self.said.arguments(self.h)
        if self.factors:
            name = self.said.names["lr"]
            lr = given[name]
            given[name] = lambda step: lr * self.factors[step]
        return self.said.function(**given)


ADAPTER = framework(
    "jax",
    "JAX",
    takes="an optimizer of jax.example_libraries",
    distributions={"jax": ("jax",), "jaxlib": ("jaxlib",)},
    accepts=callables_of("jax.example_libraries.optimizers"),
    adapt=_Run.adapt,
)
