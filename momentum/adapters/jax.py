"""jax.example_libraries.optimizers: `momentum`, `nesterov` and what else is a triple of functions.

So are one's own: a function of the rate that returns (init, update, get_params). The state does not
hold the hyper-parameters: the triple is made anew at every step.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from momentum.adapters import _libraries
from momentum.adapters._declared import DeclaredRun, Stated
from momentum.adapters._record import callables_of, framework
from momentum.adapters._run import COPIES, OF_GRADIENTS, ArrayRun
from momentum.adapters._shared import returned
from momentum.conventions import Hyper

if TYPE_CHECKING:
    from jax.example_libraries import optimizers


OFFERS = COPIES | OF_GRADIENTS | {"state_bytes"}


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

    @classmethod
    def claims(cls, obj: object) -> Stated:
        """One's own may take no function of the count for a rate."""
        stated = super().claims(obj)
        if not _of_jax(obj) and not isinstance(returned(obj, lambda count: 0.5, _stepped), list):
            stated["offers"] -= {"schedulers"}
        return stated

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
        return lifted(lambda: self.said.function(**given))


def lifted(make: Callable[[], object]) -> "optimizers.Optimizer":
    """The triple for a list of arrays; one that its library has not lifted is for one array."""
    from jax.example_libraries import optimizers

    made = make()
    if isinstance(made, optimizers.Optimizer):
        return made
    return optimizers.optimizer(lambda: made)()


def _stepped(made: object) -> list[object]:
    start, change, get = lifted(lambda: made)
    ones = [np.ones(1, np.float32)]
    return list(get(change(0, ones, start(ones))))


_of_jax = callables_of("jax.example_libraries.optimizers")


def accepts(obj: object) -> bool:
    """A function of that module, or one that is seen to return such a triple."""
    if _of_jax(obj):
        return True
    made = returned(obj)
    if not isinstance(made, tuple) or len(made) != 3 or not all(map(callable, made)):
        return False
    return [len(inspect.signature(f).parameters) for f in made] == [1, 3, 1]


ADAPTER = framework(
    "jax",
    "JAX",
    takes="an optimizer of jax.example_libraries, or a function that returns such a triple",
    distributions={"jax": ("jax",), "jaxlib": ("jaxlib",)},
    accepts=accepts,
    adapt=_Run.adapt,
)
