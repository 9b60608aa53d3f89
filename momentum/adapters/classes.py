"""Classes of one's own: made with a rate, and given parameters and gradients to step.

    class SGD:
        def __init__(self, lr, momentum): ...
        def update(self, params, grads): ...       # or step, apply, __call__, in either order

The parameters may be given to the constructor, and the gradients alone to the method, or none where
it finds them as the `grad` of each parameter. A function of the hyper-parameters that returns such
a step counts as its class. Trials show whether it takes an
array, a list of arrays or a dict of them, and whether it returns the new parameters or changes them
in place. One that takes an array is made anew for each parameter, unless it asks for its name
(`param_name`, `key`) as well.
"""

import contextlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from momentum.adapters import _device, _parameters, _shared
from momentum.adapters._attributes import attributes, keeping
from momentum.adapters._class_run import Way
from momentum.adapters._functions.trials import (
    START,
    Misunderstood,
    copied,
    lost,
    takes,
    understood,
)
from momentum.adapters._functions.words import SPOKEN, roles
from momentum.adapters._gathered import Gathered, gathered
from momentum.adapters._libraries import libraries
from momentum.adapters._record import Adapter
from momentum.adapters._run import IN_PLACE, OF_GRADIENTS
from momentum.adapters._shared import argument_names, fitted, returned
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.conventions.hyper import NUMBERS
from momentum.errors import UsageError
from momentum.subjects.protocol import Facts, Subject

METHODS = ("step", "update", "apply", "apply_gradients", "update_params", "__call__")
KEYS = frozenset({"layer", "layer_name", "key", "name", "param_name", "index", "idx", "i"})


def _parts(obj: object) -> tuple[str, list[str], str] | None:
    """The method that takes gradients, its arguments, and the one for parameters elsewhere.

    Parameters are taken by the method, or else by the constructor, and then gradients may be taken
    from them.
    """
    if not isinstance(obj, type):
        made = returned(obj)
        taken = argument_names(made) if inspect.isfunction(made) else []
        return ("__call__", taken, "") if {"theta", "grad"} == set(roles(taken)) else None
    holding = roles(argument_names(obj)).get("theta", "")
    needed = (
        holding and inspect.signature(obj).parameters[holding].default is inspect.Parameter.empty
    )
    for name in METHODS:
        method = getattr(obj, name, None)
        taken = argument_names(method)[1:] if inspect.isfunction(method) else []
        found = set(roles(taken)) | ({"theta"} if holding else set())
        if {"theta", "grad"} == found:
            return name, taken, holding if needed or "theta" not in roles(taken) else ""
    if holding and _called_alone(getattr(obj, "step", None)):
        return "step", [], holding
    return None


def _called_alone(method: object) -> bool:
    """Whether it is a method that needs nothing to be given."""
    if not inspect.isfunction(method):
        return False
    taken = list(inspect.signature(method).parameters.values())[1:]
    free = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return all(x.default is not x.empty or x.kind in free for x in taken)


def _left(obj: Callable[..., object], known: set[str]) -> dict[str, str]:
    """Its other arguments that are numbers, one of which may be a momentum by another name."""
    return {
        n: f"known as no hyper-parameter: it stays at {x.default!r}"
        for n, x in inspect.signature(obj).parameters.items()
        if n not in known and type(x.default) in (int, float)
    }


def accepts(obj: object) -> bool:
    """A class or factory with such a method, and a rate somewhere."""
    if callable(obj) and _parts(obj) is None:
        obj = gathered(obj, METHODS) or obj
    parts = _parts(obj) if callable(obj) else None
    return parts is not None and "lr" in _shared.known_names(
        [*argument_names(obj), *parts[1]], SPOKEN
    )


def adapt(obj: Callable[..., object], fixed: Mapping[str, object], name: str) -> Subject:
    """A subject from such a class.

    Raises: UsageError where it takes or wants something else, or no trial is understood.
    """
    if (parts := _parts(obj)) is None:
        obj = gathered(obj, METHODS) or obj
        parts = _parts(obj)
    assert parts is not None, "accepted for having them"
    method, arguments, held = parts
    found = roles(arguments)
    order = {r: n for n in arguments for r, named in found.items() if named == n}
    key = next((n for n in arguments if n in KEYS), "")
    here = _shared.known_names(arguments, SPOKEN)
    device, fixed = _device.parted(obj, fixed, name)
    names, values, kept = fitted(obj, (held,), fixed, name, SPOKEN)
    names, kept = _shared.parted(names, values, kept)
    if "lr" not in {**names, **here, **values}:
        raise UsageError(f"{name} takes no lr: name an argument so")

    def make(h: Hyper, holding: Mapping[str, object]) -> object:
        own = {n: x for n, x in h._asdict().items() if n not in here}
        told = _shared.arguments(Hyper(**{"lr": 0.0, **own}), names, values)
        return obj(**holding, **told, **kept)

    hints = [getattr(f, "__annotations__", {}) for f in (getattr(obj, method, obj), obj.__init__)]
    attached = not arguments
    holders = ("list",) if attached else ("list", "dict", "array")
    kinds = libraries(str(hints), device)
    if attached:
        kinds = [one for one in kinds if one.outside_of_graphs is not None] + _parameters.own()
    if isinstance(obj, type) and issubclass(obj, Gathered):
        kinds += _parameters.own()[:1]
    ways = [
        Way(library, make, method, order, key, here, holder, held, attached)
        for library in kinds
        for holder in (holders if held else ("array", "list", "dict"))
    ]
    tried_with = {"lr": 0.5, **({"momentum": 0.25} if "momentum" in {**names, **here} else {})}
    h = Hyper(**{**tried_with, **values})
    try:
        fitting = understood(ways, h, strict=True)
    except Misunderstood as error:
        raise UsageError(f"{name} cannot be stepped: {error}") from None
    assert fitting is not None, "one fits, or none does for a reason"
    way, dtypes = fitting
    if names.get("weight_decay") == "decay" and not _decays(way, h, dtypes[0]):
        del names["weight_decay"]
    way = _with_none(way, h, dtypes[0])
    tried = way.begin([np.array(START)], h, dtypes[0])
    settable = (_left_as_set(way, h, dtypes[0]) & names.keys()) | here.keys()
    free = frozenset({**names, **here})
    offers = OF_GRADIENTS | {"settings", "another_thread"}
    offers |= {"overwrite"} if way.library.fill else set()
    offers |= {"keyed"} if way.holder == "dict" else set()
    # What a function has closed over stays behind when it is copied.
    copies = copied(tried) if isinstance(obj, type) else frozenset[str]()
    parted = lost(tried.made[0], lambda start: way.begin(start, h, dtypes[0]), copies)
    left = _left(obj, {held, *names.values(), *here.values(), *values, *kept})
    left |= {"its copies": "they have lost the velocity, which is kept elsewhere"} if parted else {}
    facts = Facts(
        name=name,
        dtypes=dtypes,
        hyper=free,
        settable=frozenset(settable) - _shared.FLAGS,
        fixed=values,
        left=left,
        offers=(copies - parted)
        | (OF_GRADIENTS | IN_PLACE if way.library.name == "torch" and attached else offers),
        none_gradients=way.takes_none or (attached and takes(way, h, dtypes, (2,), none=True)),
        scalars=takes(way, h, dtypes, ()),
        empty=takes(way, h, dtypes, (0,)),
        **way.library.claims,
    )
    return PlainSubject(facts, way.begin)


def _left_as_set(way: Way, h: Hyper, dtype: str) -> set[str]:
    """The numbers that it keeps under a name, and that a step does not overwrite."""
    run = way.begin([np.array(START)], h, dtype)
    other = h.having(**dict.fromkeys(NUMBERS, 0.375))
    run.set(other)
    with contextlib.suppress(Exception):  # whatever a stranger's code does, the checks tell
        run.step([np.array([1.0, 2.0, -4.0])])
    return {
        n
        for kept in keeping(run.made[0])
        for n, names in attributes(kept).items()
        if any(kept[theirs] == getattr(other, n) for theirs in names)
    }


def _decays(way: Way, h: Hyper, dtype: str) -> bool:
    """Whether what is called decay moves parameters: in others it is the rate's."""
    run = way.begin([np.array(START)], h._replace(weight_decay=0.5), dtype)
    run.step([np.zeros(len(START))])
    return not np.array_equal(run.parameters()[0], START)


def _with_none(way: Way, h: Hyper, dtype: str) -> Way:
    """The same, taking None in lists of gradients where a trial shows that it leaves parameters."""
    if way.attached or way.holder != "list":
        return way
    taking, grad = replace(way, takes_none=True), np.array([1.0, 2.0])
    try:
        for first in ([grad, grad], [grad, None]):
            run = taking.begin([np.array(START[:2])] * 2, h, dtype)
            run.step(first)
            before = run.parameters()
            run.step([grad, None])
            moved = [not np.array_equal(x, y) for x, y in zip(before, run.parameters())]
            run.step([grad, grad])
            if moved != [True, False]:
                return way
    except Exception:  # whatever a stranger's code does
        return way
    return taking


ADAPTER = Adapter(
    name="classes",
    takes="with __init__(lr, momentum) and step(params, grads) or update(params, grads), or"
    " __init__(params, lr, momentum) and step(grads), or step() for gradients of tensors",
    module="",
    accepts=accepts,
    adapt=adapt,
    rank=3,
)
