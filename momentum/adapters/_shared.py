"""What the adapters share: names of hyper-parameters, and numbers there and back."""

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.conventions.hyper import FLAGS as FLAGS
from momentum.conventions.hyper import NEUTRAL
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, SubjectError

ALSO_CALLED: Mapping[str, tuple[str, ...]] = {
    "lr": ("learning_rate", "learning_rate_init", "learn_rate", "step_size", "eta"),
    "momentum": ("mass", "rho", "decay", "beta", "mu", "mom"),
    "weight_decay": ("wd",),
    "dampening": (),
    "nesterov": ("use_nesterov",),
    "maximize": (),
    "nu": (),
}
"""Hyper-parameters by our names, and what frameworks call them."""

_NUMBER = "(_?(coefficient|coeff|coef|factor|value|rate|strength|penalty))?"
IN_FULL: Mapping[str, str] = {
    "lr": "lr|learning_?rate",
    "momentum": f"momentum{_NUMBER}",
    "weight_decay": f"(weight_?decay|l2){_NUMBER}",
    "dampening": f"dampening{_NUMBER}",
    "nesterov": "((use|is|with)_?)?nesterov",
}
"""The same as people spell them, in whatever case."""


def comes_from(obj: object, *packages: str) -> bool:
    """Whether an object, its class or a base of either is defined in one of these packages."""
    bases = (*getattr(obj, "__mro__", ()), *type(obj).__mro__)
    modules = {str(getattr(x, "__module__", "")) for x in (obj, *bases)}
    return any(m == p or m.startswith(p + ".") for m in modules for p in packages)


def argument_names(obj: Any) -> list[str]:
    """The arguments that something is called with; none where that cannot be seen."""
    try:
        return list(inspect.signature(obj).parameters)
    except (TypeError, ValueError):
        return []


def known_names(
    taken: Iterable[str], also: Mapping[str, tuple[str, ...]] | None = None
) -> dict[str, str]:
    """The hyper-parameters among these names: our name -> theirs. also: further names for them."""
    taken = list(taken)
    names = set(taken)
    found: dict[str, str] = {}
    for table in (ALSO_CALLED, also or {}):
        for ours, others in table.items():
            free = [n for n in (ours, *others) if n in names - set(found.values())]
            if free and ours not in found:
                found[ours] = free[0]
    for ours, spelled in IN_FULL.items():
        said = [n for n in taken if re.fullmatch(spelled, n, re.I) and n not in found.values()]
        if said and ours not in found:
            found[ours] = said[0]
    return found


def returned(
    factory: object, rate: object = 0.5, then: Callable[[object], object] = lambda made: made
) -> object:
    """What it makes of a rate and what else it needs; None where it takes anything else.

    then: what is done with that. One that says what it returns is not called.
    """
    said = getattr(factory, "__annotations__", {}).get("return", "")
    if said or isinstance(factory, type) or not callable(factory):
        return None
    try:
        parameters = inspect.signature(factory).parameters.values()
        named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        needed = {p.name for p in named if p.default is p.empty}
        names = known_names(p.name for p in parameters)
        if "lr" not in names or not needed <= set(names.values()):
            return None
        return then(factory(**{**dict.fromkeys(needed, 0.5), names["lr"]: rate}))
    except Exception:  # whatever a stranger's function does
        return None


def divided(
    fixed: Mapping[str, object], names: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, object]]:
    """What the caller fixed: hyper-parameters by our names, and all other arguments.

    names: those of one subject: our name -> its own.
    """
    ours = {name: ours for ours, others in ALSO_CALLED.items() for name in (ours, *others)}
    ours |= {theirs: n for n, theirs in (names or {}).items()}
    hyper = {ours[name]: value for name, value in fixed.items() if name in ours}
    return hyper, {name: value for name, value in fixed.items() if name not in ours}


def fitted(
    function: Callable[..., object],
    arrays: int | Collection[str],
    fixed: Mapping[str, object],
    name: str,
    also: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[dict[str, str], dict[str, Any], dict[str, object]]:
    """Hyper-parameters by our names, those fixed by our names, and the other fixed arguments.

    arrays: number of arguments before the hyper-parameters, or the names of those that are none.
    also: further names of hyper-parameters.
    Raises: UsageError where a fixed argument is not taken, or another one is needed.
    """
    parameters = list(inspect.signature(function).parameters.values())
    beside = {p.name for p in parameters[:arrays]} if isinstance(arrays, int) else arrays
    parameters = [p for p in parameters if p.name not in beside]
    taken = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    # A dampening that is a switch, as torch-optimi's and fastai's, is no number of ours.
    switches = {p.name for p in parameters if isinstance(p.default, bool)}
    names = {
        n: theirs
        for n, theirs in known_names(taken, also).items()
        if n in FLAGS or theirs not in switches
    }
    turned = {n: x for n, x in fixed.items() if n in switches - set(names.values())}
    hyper, others = divided({n: x for n, x in fixed.items() if n not in turned}, names)
    others |= turned
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for given in (*(n for n in hyper if n not in names), *(n for n in others if n not in taken)):
        if not open_ended:
            raise UsageError(f"{name} takes no {given!r}: it takes {', '.join(taken)}")
    for p in parameters:
        known = {*names.values(), *others}
        if p.default is p.empty and p.name in taken and p.name not in known:
            raise UsageError(f"{name} needs {p.name}: give --set {p.name}=VALUE")
    return names, hyper, others


def parted(
    names: Mapping[str, str], values: Mapping[str, object], kept: Mapping[str, object]
) -> tuple[dict[str, str], dict[str, object]]:
    """Names of the hyper-parameters that vary, and all arguments of a constructor that stay."""
    own = {names[n]: value for n, value in values.items() if n in names}
    return {n: theirs for n, theirs in names.items() if n not in values}, {**kept, **own}


def plain(h: Hyper) -> Hyper:
    """The same hyper-parameters as Python's own numbers, which no framework takes for arrays."""
    return Hyper._make(bool(x) if n in FLAGS else float(x) for n, x in h._asdict().items())


def arguments(h: Hyper, names: Mapping[str, str], fixed: Mapping[str, object]) -> dict[str, Any]:
    """Keyword arguments of a constructor, as Python's own numbers.

    fixed: hyper-parameters that are so for good, where the constructor takes no argument for them.
    Raises: ValueError where a hyper-parameter differs from what can be had.
    """
    given = {}
    for ours, value in plain(h)._asdict().items():
        if ours in names:
            given[names[ours]] = value
        elif value != fixed.get(ours, NEUTRAL.get(ours, value)):
            raise ValueError(f"takes no {ours}={value}")
    return given


def no_options(options: Mapping[str, object] | None) -> None:
    """Refuse options of `start` where none are offered."""
    if options:
        raise SubjectError(f"offers none of these options: {', '.join(options)}")


def complete(gradients: Sequence[Array | None]) -> list[Array]:
    """The gradients, where none may be missing."""
    if any(g is None for g in gradients):
        raise SubjectError("takes no None for a gradient")
    return [g for g in gradients if g is not None]


def read(i: int, values: object, got: object, wanted: str, shape: tuple[int, ...]) -> Array:
    """Parameter i as a float64 copy.

    Raises: SubjectError where its dtype (`got`, as the framework writes it) or shape is another.
    """
    name = str(got).rpartition(".")[2]
    if name != wanted:
        raise SubjectError(f"parameter {i} has become {name}, was started as {wanted}")
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise SubjectError(f"parameter {i} has shape {array.shape}, was started as {shape}")
    return array
