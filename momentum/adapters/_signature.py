"""What a constructor or function takes, and what the caller fixes of it."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

from momentum.adapters import _shared
from momentum.errors import UsageError


def fitted(
    function: Callable[..., Any],
    arrays: int | Collection[str],
    fixed: Mapping[str, object],
    name: str,
    also: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    """Hyper-parameters by our names, those fixed by our names, and the other fixed arguments.

    arrays: number of arguments before the hyper-parameters, or the names of those that are none.
    also: further names of hyper-parameters.
    Raises: UsageError where a fixed argument is not taken, or another one is needed.
    """
    parameters = list(inspect.signature(function).parameters.values())
    if isinstance(arrays, int):
        parameters = parameters[arrays:]
    else:
        parameters = [p for p in parameters if p.name not in arrays]
    taken = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    # A dampening that is a switch, as torch-optimi's and fastai's, is no number of ours.
    switches = {p.name for p in parameters if isinstance(p.default, bool)}
    names = {
        n: theirs
        for n, theirs in _shared.known_names(taken, also).items()
        if n in _shared.FLAGS or theirs not in switches
    }
    hyper, others = _shared.divided(
        {n: x for n, x in fixed.items() if n not in switches or n in names.values()}, names
    )
    others |= {n: x for n, x in fixed.items() if n in switches and n not in names.values()}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for given in (*(n for n in hyper if n not in names), *(n for n in others if n not in taken)):
        if not open_ended:
            raise UsageError(f"{name} takes no {given!r}: it takes {', '.join(taken)}")
    for p in parameters:
        known = {*names.values(), *others}
        if p.default is p.empty and p.name in taken and p.name not in known:
            raise UsageError(f"{name} needs {p.name}: give --set {p.name}=VALUE")
    return names, hyper, others
