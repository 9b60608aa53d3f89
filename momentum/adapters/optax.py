"""Optax: a factory such as `optax.sgd`, or a finished `GradientTransformation`.

A factory is called anew at every step and goes on with the same state, so that each number reaches
the rule as a Python float, in full precision. `--set jit=True` compiles the step, with the numbers
as arguments. A finished transformation has the hyper-parameters that `optax.inject_hyperparams`
lays open; what else is in it, the caller says: `--set lr=0.1 --set momentum=0.9`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from momentum.adapters import _jax_run, _shared
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Subject


def accepts(obj: Any) -> bool:
    """Whether this is an optax transformation, or a function that says it returns one."""
    answer = getattr(obj, "__annotations__", {}).get("return", "")
    return _shared.comes_from(obj, "optax") or "GradientTransformation" in str(answer)


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through optax, eagerly or compiled."""
    import jax

    _jax_run.enable_float64()
    given = {**fixed}
    jit = bool(given.pop("jit", False))
    if callable(obj):
        names, values, kept = fitted(obj, 0, given, name)
        names, kept = _shared.parted(names, values, kept)
    else:
        values, kept = _shared.divided(given)
        state = obj.init([jax.numpy.zeros(1)])
        names = _shared.known_names(getattr(state, "hyperparams", {}))
        names = {n: theirs for n, theirs in names.items() if n not in values}
    if "lr" not in names and "lr" not in values:
        raise UsageError(f"{name} takes no learning rate; say which is in it: --set lr=...")
    facts = Facts(
        name=name,
        dtypes=_jax_run.DTYPES,
        hyper=frozenset(names) - frozenset(values),
        settable=frozenset(names) - _shared.FLAGS,
        fixed=values,
        groups=callable(obj),
        offers=_jax_run.OFFERS | ({"schedulers"} if callable(obj) else set()),
        flushes_subnormals=True,  # XLA sets the processor to flush them
    )
    return _Optax(obj, names, kept, jit, facts)


class _Optax:
    def __init__(self, obj: Any, names: Any, kept: Any, jit: bool, facts: Facts) -> None:
        import jax

        self.obj, self.names, self.kept, self.facts = obj, names, kept, facts
        self._step = jax.jit(self._eager, static_argnums=0) if jit else self._eager

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        more = dict(options or {})
        layout = tuple(groups or ()), tuple(more.pop("scheduler", ()))
        _shared.no_options(more)
        init = self._made(*self._divided(layout, hypers)).init
        return _jax_run.JaxRun(parameters, hypers, dtype, init, partial(self._update, layout))

    def _divided(self, layout: Any, hypers: Sequence[Hyper]) -> tuple[Any, list[dict[str, float]]]:
        """What decides the compiled step, and the numbers of each group, by optax's names."""
        given = [_shared.arguments(h, self.names, self.facts.fixed) for h in hypers]
        flags = tuple(tuple((k, v) for k, v in g.items() if isinstance(v, bool)) for g in given)
        numbers = [{k: v for k, v in g.items() if not isinstance(v, bool)} for g in given]
        return (flags, *layout), numbers

    def _made(self, how: Any, numbers: Sequence[Mapping[str, Any]]) -> Any:
        """The transformation. how: flags of each group, group of each parameter, lr's factors."""
        import jax.numpy as jnp
        import optax

        flags, groups, factors = how
        if not callable(self.obj):
            return self.obj
        parts = []
        for given, on in zip(map(dict, numbers), flags):
            if factors:
                base, table = given[self.names["lr"]], jnp.asarray(factors)
                given[self.names["lr"]] = lambda count, base=base, table=table: base * table[count]
            parts.append(self.obj(**given, **dict(on), **self.kept))
        if len(parts) == 1:
            return parts[0]
        return optax.multi_transform(dict(enumerate(parts)), list(groups))

    def _eager(self, how: Any, numbers: Any, grads: Any, state: Any, theta: Any) -> Any:
        import optax

        if not callable(self.obj) and self.names:
            state = state._replace(hyperparams={**state.hyperparams, **numbers[0]})
        updates, state = self._made(how, numbers).update(grads, state, theta)
        return optax.apply_updates(theta, updates), state

    def _update(self, layout: Any, hypers: Any, grads: Any, state: Any, theta: Any) -> Any:
        return self._step(*self._divided(layout, hypers), grads, state, theta)


ADAPTER = Adapter(
    name="optax",
    takes="a factory of transformations, or one that is finished",
    module="optax",
    distributions={"optax": ("optax",)},
    extra="optax",
    accepts=accepts,
    adapt=adapt,
    speakers=("optax", "optax.ema", "optax.ema_debiased"),
)
