"""Classes of one's own: made with a rate, and given parameters and gradients to step.

    class SGD:
        def __init__(self, lr, momentum): ...
        def update(self, params, grads): ...       # or step, apply, __call__, in either order

Trials show whether it takes an array, a list of arrays or a dict of them, and whether it returns
the new parameters or changes them in place. One that takes an array is made anew for each
parameter, unless it asks for its name (`param_name`, `key`) as well.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from momentum.adapters import _device, _shared
from momentum.adapters._forms import SHIFT, START, Misunderstood, roles
from momentum.adapters._libraries import Library, libraries
from momentum.adapters._record import Adapter
from momentum.adapters._run import COPIES, ArrayRun
from momentum.adapters._signature import fitted
from momentum.adapters.function import SPOKEN
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.isolation import survives
from momentum.subjects.protocol import Array, Facts, Subject, SubjectError

METHODS = ("step", "update", "apply", "apply_gradients", "update_params", "__call__")
KEYS = frozenset({"key", "name", "param_name", "index", "idx", "i"})


def _method(cls: type) -> str | None:
    """The method that takes parameters and gradients, by their names."""
    for name in METHODS:
        method = getattr(cls, name, None)
        if inspect.isfunction(method):
            found = roles(list(inspect.signature(method).parameters)[1:])
            if {"theta", "grad"} <= set(found) and "v" not in found:
                return name
    return None


def accepts(obj: Any) -> bool:
    """A class with such a method, and a rate somewhere."""
    if not isinstance(obj, type) or (method := _method(obj)) is None:
        return False
    try:
        taken = [
            *inspect.signature(obj).parameters,
            *inspect.signature(getattr(obj, method)).parameters,
        ]
    except (TypeError, ValueError):
        return False
    return "lr" in _shared.known_names(taken, SPOKEN)


@dataclass(frozen=True)
class Way:
    """How a class is driven.

    order: role -> argument, in the order of the arguments. key: the argument for a parameter's
    name, empty where there is none. holder: "array", "list" or "dict".
    """

    library: Library
    make: Callable[[Hyper], Any]
    method: str
    order: Mapping[str, str]
    key: str
    names: Mapping[str, str]
    holder: str

    def stepped(self, made: Any, theta: Any, grad: Any, h: Hyper, key: str = "") -> Any:
        """The new parameters."""
        values = {"theta": theta, "grad": grad}
        given = {named: values[role] for role, named in self.order.items()}
        given |= {self.key: key} if self.key else {}
        given |= {theirs: getattr(h, n) for n, theirs in self.names.items()}
        got = getattr(made, self.method)(**given)
        return theta if got is None else got


class _Run(ArrayRun):
    state = ("theta", "made", "h")

    def __init__(self, way: Way, parameters: Sequence[Array], h: Hyper, dtype: str) -> None:
        super().__init__(way.library, parameters, dtype)
        self.way, self.h = way, _shared.plain(h)
        alone = way.holder == "array" and not way.key
        self.made = [way.make(self.h) for _ in (self.theta if alone else (0,))]

    def advance(self) -> None:
        way = self.way
        keys = [f"p{i}" for i in range(len(self.theta))]
        if way.holder == "array":
            self.theta = [
                way.stepped(self.made[i if len(self.made) > 1 else 0], x, g, self.h, keys[i])
                for i, (x, g) in enumerate(zip(self.theta, self.grads))
            ]
        elif way.holder == "list":
            self.theta = list(way.stepped(self.made[0], self.theta, self.grads, self.h))
        else:
            theta, grads = dict(zip(keys, self.theta)), dict(zip(keys, self.grads))
            after = way.stepped(self.made[0], theta, grads, self.h)
            self.theta = [after[key] for key in keys]
        for x, shape in zip(self.theta, self.shapes, strict=True):
            if not way.library.owns(x) or tuple(x.shape) != shape:
                raise SubjectError(f"made {type(x).__name__} of a parameter of shape {shape}")

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = _shared.plain(hyper)
        for made in self.made:
            for n, named in attributes(made).items():
                setattr(made, named, getattr(self.h, n))


def attributes(made: Any) -> dict[str, str]:
    """The hyper-parameters that an object keeps in attributes: our name -> its attribute."""
    held = [n for n, x in vars(made).items() if isinstance(x, float)]
    return _shared.known_names(held, SPOKEN)


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject from such a class.

    Raises: UsageError where it takes or wants something else, or no trial is understood.
    """
    method = _method(obj)
    assert method is not None, "accepted for having one"
    arguments = inspect.signature(getattr(obj, method)).parameters
    found = roles(list(arguments)[1:])
    order = {r: n for n in arguments for r, named in found.items() if named == n}
    key = next((n for n in arguments if n in KEYS), "")
    here = _shared.known_names(list(arguments)[1:], SPOKEN)
    device, fixed = _device.parted(obj, fixed, name)
    names, values, kept = fitted(obj, 0, fixed, name, SPOKEN)
    names, kept = _shared.parted(names, values, kept)
    missing = [n for n in ("lr", "momentum") if n not in {**names, **here, **values}]
    if missing:
        raise UsageError(f"{name} takes no {missing[0]}: name an argument so")

    def make(h: Hyper) -> Any:
        own = {n: x for n, x in h._asdict().items() if n not in here}
        return obj(**_shared.arguments(Hyper(**{"lr": 0.0, **own}), names, values), **kept)

    ways = [
        Way(library, make, method, order, key, here, holder)
        for library in libraries(str(getattr(getattr(obj, method), "__annotations__", {})), device)
        for holder in ("array", "list", "dict")
    ]
    h = Hyper(**{"lr": 0.5, "momentum": 0.25, **values})
    way, dtypes = _understood(ways, h, name)
    held = attributes(make(h))
    settable = {n for n in names if n in held} | here.keys()
    free = frozenset({**names, **here})
    facts = Facts(
        name=name,
        dtypes=dtypes,
        hyper=free,
        settable=frozenset(settable) - _shared.FLAGS,
        fixed=values,
        offers=COPIES,
        **way.library.claims,
    )
    return PlainSubject(facts, partial(_Run, way))


def _understood(ways: Sequence[Way], h: Hyper, name: str) -> tuple[Way, tuple[str, ...]]:
    """The first way in which a step makes sense, and the dtypes that it keeps.

    Raises: UsageError where there is none.
    """
    reasons: list[str] = []
    for way in ways:
        # Its first calls may hang or end the process; XLA's threads do not outlive a fork.
        if way.library.name != "jax" and not survives(partial(_steps, way, h), 20.0):
            reasons.append(f"{way.method} makes no step of {ONE[way.holder]}")
            continue
        if kept := _kept(way, h, reasons):
            return way, kept
    raise UsageError(f"{name} cannot be stepped: {reasons[0] if reasons else 'its trial was lost'}")


ONE = {"array": "an array", "list": "a list of arrays", "dict": "a dict of arrays"}


def _steps(way: Way, h: Hyper) -> bool:
    return bool(_kept(way, h, []))


def _kept(way: Way, h: Hyper, reasons: list[str]) -> tuple[str, ...]:
    sound = []
    for dtype in way.library.dtypes:
        try:
            if _sound(way, h, dtype):
                sound.append(dtype)
        except (Misunderstood, SubjectError) as error:
            reasons.append(str(error))
    return tuple(sound)


def _sound(way: Way, h: Hyper, dtype: str) -> bool:
    """Whether a step moves, and moves along when its start is shifted.

    Raises: SubjectError, Misunderstood.
    """
    after = []
    for shift in (0.0, SHIFT):
        start = [np.array(START) + shift] * 2
        try:
            run = _Run(way, start, h, dtype)
            run.step([np.array([1.0, 2.0, -4.0])] * 2)
        except SubjectError:
            raise
        except Exception as error:  # whatever a stranger's class does
            raise Misunderstood(f"raised {type(error).__name__}: {error}") from None
        after.append(run.parameters())
    moved = not np.array_equal(after[0][1], START)
    return moved and all(np.array_equal(b - a, np.full(3, SHIFT)) for a, b in zip(*after))


ADAPTER = Adapter(
    name="classes",
    takes="with __init__(lr, momentum) and step(params, grads) or update(params, grads)",
    module="",
    accepts=accepts,
    adapt=adapt,
    rank=3,
)
