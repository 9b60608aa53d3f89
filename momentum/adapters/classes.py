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
from typing import TypeVar, cast

import numpy as np

from momentum.adapters import _device, _shared
from momentum.adapters._forms import SPOKEN, roles
from momentum.adapters._libraries import Library, libraries
from momentum.adapters._record import Adapter
from momentum.adapters._run import COPIES, ArrayRun
from momentum.adapters._shared import fitted
from momentum.adapters._trials import Misunderstood, understood
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Subject, SubjectError

METHODS = ("step", "update", "apply", "apply_gradients", "update_params", "__call__")
H = TypeVar("H")

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


def accepts(obj: object) -> bool:
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
    make: Callable[[Hyper], object]
    method: str
    order: Mapping[str, str]
    key: str
    names: Mapping[str, str]
    holder: str

    def stepped(self, made: object, theta: H, grad: H, h: Hyper, key: str = "") -> H:
        """The new parameters."""
        values = {"theta": theta, "grad": grad}
        given: dict[str, object] = {named: values[role] for role, named in self.order.items()}
        given |= {self.key: key} if self.key else {}
        given |= {theirs: getattr(h, n) for n, theirs in self.names.items()}
        got = getattr(made, self.method)(**given)
        return theta if got is None else cast(H, got)

    def begin(self, parameters: Sequence[Array], h: Hyper, dtype: str) -> "_Run":
        """A run that drives it so."""
        return _Run(self, parameters, h, dtype)

    def settle(self, run: ArrayRun, start: Array) -> None:
        """Raises: SubjectError where a step moves nothing."""
        if any(np.array_equal(x, start) for x in run.parameters()):
            raise SubjectError("a step moves nothing")


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


def attributes(made: object) -> dict[str, str]:
    """The hyper-parameters that an object keeps in attributes: our name -> its attribute."""
    held = [n for n, x in vars(made).items() if isinstance(x, float)]
    return _shared.known_names(held, SPOKEN)


def adapt(obj: type, fixed: Mapping[str, object], name: str) -> Subject:
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

    def make(h: Hyper) -> object:
        own = {n: x for n, x in h._asdict().items() if n not in here}
        return obj(**_shared.arguments(Hyper(**{"lr": 0.0, **own}), names, values), **kept)

    ways = [
        Way(library, make, method, order, key, here, holder)
        for library in libraries(str(getattr(getattr(obj, method), "__annotations__", {})), device)
        for holder in ("array", "list", "dict")
    ]
    h = Hyper(**{"lr": 0.5, "momentum": 0.25, **values})
    try:
        fitting = understood(ways, h, strict=True)
    except Misunderstood as error:
        raise UsageError(f"{name} cannot be stepped: {error}") from None
    assert fitting is not None, "one fits, or none does for a reason"
    way, dtypes = fitting
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
    return PlainSubject(facts, way.begin)


ADAPTER = Adapter(
    name="classes",
    takes="with __init__(lr, momentum) and step(params, grads) or update(params, grads)",
    module="",
    accepts=accepts,
    adapt=adapt,
    rank=3,
)
