"""jax.example_libraries.optimizers: `momentum`, `nesterov` and what else is a triple of functions.

The state does not hold the hyper-parameters: the triple is made anew at every step.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from momentum.adapters import _libraries, _shared
from momentum.adapters._jax_run import CLAIMS, OFFERS, JaxRun
from momentum.adapters._record import framework
from momentum.adapters._signature import Declared, declared
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Subject


def accepts(obj: Any) -> bool:
    """Whether this is an optimizer of that module."""
    return callable(obj) and _shared.comes_from(obj, "jax.example_libraries.optimizers")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through such a triple, uncompiled."""
    _libraries.jax()
    # jax: Nesterov's form is a function of its own and no argument.
    always = {"nesterov": True} if obj.__name__ == "nesterov" else None
    offers = OFFERS | {"schedulers"}
    return _Jax(declared(obj, 0, fixed, name, always=always, offers=offers, **CLAIMS))


class _Jax:
    def __init__(self, said: Declared) -> None:
        self.said, self.facts = said, said.facts

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> JaxRun:
        more = dict(options or {})
        factors = tuple(more.pop("scheduler", ()))
        _shared.no_options(more)

        def init(theta: list[Any]) -> Any:
            return 0, self._triple(hypers[0], factors)[0](theta)

        def update(hypers: Sequence[Hyper], grads: Any, state: Any, theta: Any) -> Any:
            step, inner = state
            _, change, get = self._triple(hypers[0], factors)
            inner = change(step, grads, inner)
            return get(inner), (step + 1, inner)

        return JaxRun(parameters, hypers, dtype, init, update)

    def _triple(self, h: Hyper, factors: Sequence[float]) -> Any:
        given = self.said.arguments(h)
        if factors:
            name = self.said.names["lr"]
            lr = given[name]
            given[name] = lambda step: lr * factors[step]
        return self.said.function(**given)


ADAPTER = framework(
    "jax",
    "JAX",
    takes="an optimizer of jax.example_libraries",
    distributions={"jax": ("jax",), "jaxlib": ("jaxlib",)},
    accepts=accepts,
    adapt=adapt,
)
