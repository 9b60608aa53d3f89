"""Optax: a factory such as `optax.sgd`, or a finished `GradientTransformation`.

A factory is called anew for new numbers and goes on with the same state, so that each number
reaches the rule as a Python float, in full precision. Where that state lays hyper-parameters open,
as `optax.inject_hyperparams` does, they are written there too. `--set jit=True` compiles the step,
with the numbers as arguments; so is done unasked where the factory compiles inside. A finished
transformation has the hyper-parameters that it lays open; what else is in it, the caller says:
`--set lr=0.1 --set momentum=0.9`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from momentum.adapters import _libraries, _shared
from momentum.adapters._optax_numbers import Numbers, decays, written
from momentum.adapters._record import framework
from momentum.adapters.jax import OFFERS, JaxRun
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Subject

if TYPE_CHECKING:
    import jax
    import optax

Arrays = Sequence["jax.Array"]
Leaf = TypeVar("Leaf")
Names = Mapping[str, str]
Kept = Mapping[str, object]


class How(NamedTuple):
    """What decides a compiled step. factors: of lr, by the count of steps."""

    flags: tuple[tuple[tuple[str, bool], ...], ...] = ()
    groups: tuple[int, ...] = ()
    factors: tuple[float, ...] = ()
    schedule: str = ""


def accepts(obj: object) -> bool:
    """An optax transformation, or a function that says it returns one, or is seen to."""
    import optax

    answer = str(getattr(obj, "__annotations__", {}).get("return", ""))
    if _shared.comes_from(obj, "optax") or "GradientTransformation" in answer:
        return True
    return isinstance(_transformation(_shared.returned(obj)), optax.GradientTransformation)


def _transformation(made: Any) -> Any:
    """What steps: of a wrapper such as optax.MultiSteps, the transformation that it is."""
    return getattr(made, "gradient_transformation", lambda: made)()


def adapt(obj: Any, fixed: Mapping[str, object], name: str) -> Subject:
    """A subject that steps through optax, eagerly or compiled."""
    import jax

    library = _libraries.jax()
    given = {**fixed}
    jit = given.pop("jit", None)
    if callable(obj):
        names, values, kept = _shared.fitted(obj, 0, given, name)
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
        hyper=frozenset(names) - frozenset(values),
        settable=frozenset(names) - _shared.FLAGS,
        fixed=values,
        groups=callable(obj),
        offers=OFFERS | {"mixed_dtypes"},
        dtypes=library.dtypes,
        **library.claims,
    )
    subject = _Optax(obj, names, kept, jit, facts)
    subject.facts = replace(facts, offers=facts.offers | subject.schedules())
    return subject


class _OptaxRun(JaxRun):
    state = ("theta", "inner", "hypers")

    def __init__(
        self,
        optimizer: "_Optax",
        layout: How,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        dtypes: Sequence[str] = (),
    ) -> None:
        super().__init__(_libraries.jax(), parameters, dtype, dtypes=dtypes)
        self.optimizer, self.layout, self.hypers = optimizer, layout, list(hypers)
        self.inner = optimizer.made(*optimizer.divided(layout, hypers)).init(
            optimizer.tree(self.theta)
        )

    def advance(self) -> None:
        how, numbers = self.optimizer.divided(self.layout, self.hypers)
        after = self.optimizer.step(how, numbers, self.grads, self.inner, self.theta)
        self.theta, self.inner = after

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.hypers[group] = hyper

    def schedules(self, steps: int) -> dict[str, list[list[Hyper]]]:
        """What each sets by itself, asked as optax asks it."""
        counts = [self.library.make(t, "int32") for t in range(steps)]
        return {
            name: [[h._replace(lr=float(made(h.lr)(t))) for h in self.hypers] for t in counts]
            for name, made in decays().items()
        }


class _Optax:
    def __init__(self, obj: Any, names: Names, kept: Kept, jit: object, facts: Facts) -> None:
        import jax

        self.obj, self.names, self.kept, self.facts = obj, names, kept, facts
        self._library = _libraries.jax()
        self.tree: Callable[[Sequence[Any]], Any] = _named if self._takes_names() else list
        self._known = lru_cache(MADE)(lambda how, rows: self._fresh(how, list(map(dict, rows))))
        compiled = jax.jit(self._eager, static_argnums=0)
        if jit is None:
            jit = callable(obj) and self._compiles_inside() and self._can_be(compiled)
        self.compiled = bool(jit)
        self.step = compiled if jit else self._eager

    def _takes_names(self) -> bool:
        """Whether parameters may come by name; one that is labelled by position takes a list."""
        theta = _named([self._library.make(np.zeros(1), "float32")] * 2)
        try:
            made = self._fresh(*self._trial())
            made.update(theta, made.init(theta), theta)
        except Exception:  # whatever a stranger does with names
            return False
        return True

    def schedules(self) -> set[str]:
        """What is offered of rates that are functions of the count, where a trial takes one."""
        if not callable(self.obj) or "lr" not in self.names:
            return set()
        theta = [self._library.make(np.zeros(1), "float32")]
        how, numbers = self._trial()
        try:
            made = self._fresh(how._replace(factors=(0.5,)), numbers)
            made.update(theta, made.init(theta), theta)
        except Exception:  # whatever a stranger's factory does with a function for a rate
            return set()
        # Compiled, a schedule may round otherwise than when it is asked for its rates.
        return {"schedulers"} if self.compiled else {"schedulers", "own_schedules"}

    def _trial(self) -> tuple[How, list[Numbers]]:
        on = {"momentum": 0.5} if "momentum" in self.names else {}
        return self.divided(How(), [Hyper(**{"lr": 0.5, **on, **self.facts.fixed})])

    def _compiles_inside(self) -> bool:
        """Whether a function of the transformation is compiled, or refers to one that is.

        So are the branches and bodies of what decides or repeats, anew for each transformation.
        """
        import jax

        try:
            made = self.made(*self._trial())
            held = [c.cell_contents for c in getattr(made.update, "__closure__", None) or ()]
            if any("Pjit" in type(x).__name__ for x in (made.update, *held)):
                return True
            theta = [jax.numpy.zeros(1)]
            traced = jax.make_jaxpr(made.update)(theta, made.init(theta), theta)
        except Exception:  # whatever a stranger's function does: the checks will tell
            return False
        return any(e.primitive.name in ("cond", "while", "scan") for e in traced.jaxpr.eqns)

    def _can_be(self, compiled: Callable[..., object]) -> bool:
        """Whether it can be compiled with its numbers as arguments, on which it must not branch."""
        import jax

        theta = [jax.numpy.zeros(1)]
        how, numbers = self._trial()
        try:
            compiled(how, numbers, theta, self.made(how, numbers).init(self.tree(theta)), theta)
        except (jax.errors.JAXTypeError, TypeError, ValueError):
            return False
        return True

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, object] | None = None,
    ) -> _OptaxRun:
        more: dict[str, Any] = dict(options or {})
        factors, schedule = tuple(more.pop("scheduler", ())), more.pop("schedule", "")
        dtypes = more.pop("dtypes", ())
        _shared.no_options(more)
        how = How((), tuple(groups or ()), factors, schedule)
        return _OptaxRun(self, how, parameters, hypers, dtype, dtypes)

    def made(self, how: How, numbers: Sequence[Numbers]) -> "optax.GradientTransformation":
        """The transformation, the same one for the same numbers: it may hold compiled functions."""
        if not all(isinstance(x, float) for given in numbers for x in given.values()):
            return self._fresh(how, numbers)  # while the step is compiled
        return self._known(how, tuple(tuple(given.items()) for given in numbers))

    def divided(self, layout: How, hypers: Sequence[Hyper]) -> tuple[How, list[Numbers]]:
        """What decides the compiled step, and the numbers of each group, by optax's names."""
        given = [_shared.arguments(h, self.names, self.facts.fixed) for h in hypers]
        flags = tuple(tuple((k, v) for k, v in g.items() if isinstance(v, bool)) for g in given)
        numbers = [{k: v for k, v in g.items() if not isinstance(v, bool)} for g in given]
        return layout._replace(flags=flags), numbers

    def _fresh(self, how: How, numbers: Sequence[Numbers]) -> "optax.GradientTransformation":
        """The transformation."""
        import jax.numpy as jnp
        import optax

        if not callable(self.obj):
            return self.obj
        parts = []
        for row, on in zip(numbers, how.flags):
            given: dict[str, Any] = dict(row)
            if how.factors:
                base, table = given[self.names["lr"]], jnp.asarray(how.factors)
                given[self.names["lr"]] = lambda count, base=base, table=table: base * table[count]
            if how.schedule:
                given[self.names["lr"]] = decays()[how.schedule](given[self.names["lr"]])
            parts.append(_transformation(self.obj(**given, **dict(on), **self.kept)))
        if len(parts) == 1:
            return parts[0]
        # Some cannot be begun without a parameter.
        used = {g: part for g, part in enumerate(parts) if g in how.groups}
        return optax.multi_transform(used, self.tree(how.groups))

    def _eager(
        self, how: How, numbers: Sequence[Numbers], grads: Arrays, state: object, theta: Arrays
    ) -> tuple[Arrays, object]:
        import optax

        state = written(state, numbers)
        tree = self.tree(theta)
        updates, state = self.made(how, numbers).update(self.tree(grads), state, tree)
        moved = optax.apply_updates(tree, updates)
        return ([moved[name] for name in tree] if isinstance(tree, dict) else moved), state


def _named(leaves: Sequence[Leaf]) -> dict[str, Leaf]:
    """Parameters as models have them, by names; JAX orders them by these, which is not ours."""
    return {f"w{len(leaves) - i:05}": x for i, x in enumerate(leaves)}


MADE = 512
"""Transformations that are kept; a long run changes its rate at every step."""


ADAPTER = framework(
    "optax",
    takes="a factory of transformations, or one that is finished",
    accepts=accepts,
    adapt=adapt,
    rank=1,  # takes what is annotated alike, as TorchOpt's functions are
    speakers=("optax", "optax.ema", "optax.ema_debiased"),
)
