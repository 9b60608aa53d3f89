"""jax.example_libraries.optimizers: `momentum`, `nesterov` and what else is a triple of functions.

The state does not hold the hyper-parameters: the triple is made anew at every step.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from momentum.adapters import _jax_run, _shared
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Subject


def accepts(obj: Any) -> bool:
    """Whether this is an optimizer of that module."""
    return callable(obj) and _shared.comes_from(obj, "jax.example_libraries.optimizers")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through such a triple, uncompiled."""
    _jax_run.enable_float64()
    names, values, kept = fitted(obj, 0, fixed, name)
    names, kept = _shared.parted(names, values, kept)
    # jax: Nesterov's form is a function of its own and no argument.
    if obj.__name__ == "nesterov":
        values = {**values, "nesterov": True}
    facts = Facts(
        name=name,
        dtypes=_jax_run.DTYPES,
        hyper=frozenset(names),
        settable=frozenset(names),
        fixed=values,
        offers=_jax_run.OFFERS | {"schedulers"},
        flushes_subnormals=True,  # XLA sets the processor to flush them
    )
    return _Jax(obj, names, kept, facts)


class _Jax:
    def __init__(self, obj: Any, names: Any, kept: Any, facts: Facts) -> None:
        self.obj, self.names, self.kept, self.facts = obj, names, kept, facts

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        more = dict(options or {})
        factors = tuple(more.pop("scheduler", ()))
        _shared.no_options(more)

        def init(theta: list[Any]) -> Any:
            return 0, self._triple(hypers[0], factors)[0](theta)

        def update(hypers: Any, grads: Any, state: Any, theta: Any) -> Any:
            step, inner = state
            _, change, get = self._triple(hypers[0], factors)
            inner = change(step, grads, inner)
            return get(inner), (step + 1, inner)

        return _jax_run.JaxRun(parameters, hypers, dtype, init, update)

    def _triple(self, h: Hyper, factors: Sequence[float]) -> Any:
        given = _shared.arguments(h, self.names, self.facts.fixed)
        if factors:
            lr = given[self.names["lr"]]
            given[self.names["lr"]] = lambda step: lr * factors[step]
        return self.obj(**given, **self.kept)


ADAPTER = Adapter(
    name="JAX",
    takes="an optimizer of jax.example_libraries",
    module="jax",
    distributions={"jax": ("jax",), "jaxlib": ("jaxlib",)},
    extra="jax",
    accepts=accepts,
    adapt=adapt,
    speakers=("jax",),
)
