"""What a function of hyper-parameters alone returns: an optimizer of a framework, or none."""

import inspect
from collections.abc import Callable

from momentum.adapters import _shared


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
        names = _shared.known_names(p.name for p in parameters)
        if "lr" not in names or not needed <= set(names.values()):
            return None
        return then(factory(**{**dict.fromkeys(needed, 0.5), names["lr"]: rate}))
    except Exception:  # whatever a stranger's function does
        return None
