"""Plain functions: the article's, and step functions on NumPy arrays.

    f(params, states, hyperparams)                       torch tensors, changed in place
    step(theta, v, grad, lr, momentum) -> (theta, v)     arrays; dampening, weight_decay, nesterov,
                                                         maximize and nu where it has such arguments

A step function gets v = zeros at first, or nothing where v has the default None.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from momentum.adapters import _shared
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.adapters._step_run import StepRun
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Subject

_OFFERS = frozenset({"resume", "deepcopy", "pickle", "fed", "overwrite"})


def accepts(obj: Any) -> bool:
    """A function with the article's arguments or a step function's."""
    names = _names(obj)
    return names == _ARTICLE or _is_step(names)


_ARTICLE = ("params", "states", "hyperparams")


def _names(obj: Any) -> tuple[str, ...]:
    if isinstance(obj, type) or not callable(obj):
        return ()
    try:
        return tuple(inspect.signature(obj).parameters)
    except (TypeError, ValueError):
        return ()


def _is_step(names: tuple[str, ...]) -> bool:
    """Three arrays, then hyper-parameters, lr and momentum among them."""
    known = _shared.known_names(names[3:])
    return {"lr", "momentum"} <= set(known) and not _shared.known_names(names[:3])


def adapt(function: Callable[..., Any], fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject from a function. fixed: arguments that are the caller's choice.

    Raises: UsageError where the function takes or wants something else.
    """
    if _names(function) == _ARTICLE:
        from momentum.adapters import _article

        return _article.adapt(function, fixed, name)
    parameters = list(inspect.signature(function).parameters.values())
    names, hyper, others = fitted(function, 3, fixed, name)
    free = frozenset(names) - set(hyper)
    facts = Facts(
        name=name,
        dtypes=("float32", "float64", "float16")
        + (("bfloat16",) if find_spec("ml_dtypes") else ()),
        hyper=free,
        settable=free,
        fixed=hyper,
        offers=_OFFERS,
        largest=2**18,
    )
    return _StepFunction(function, facts, names, others, parameters[1].default is None)


class _StepFunction:
    """names: our name -> the function's. lazy: the first v is made by the function."""

    def __init__(
        self, function: Any, facts: Facts, names: Mapping[str, str], others: Any, lazy: bool
    ) -> None:
        self.function, self.facts, self.names = function, facts, names
        self.others, self.lazy = others, lazy

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> StepRun:
        _shared.no_options(options)
        return StepRun(self, parameters, hypers[0], dtype)


ADAPTER = Adapter(
    name="functions",
    takes="step(theta, v, grad, lr, momentum) or f(params, states, hyperparams)",
    module="",
    accepts=accepts,
    adapt=adapt,
    rank=1,  # before torch, which takes any function of `params`
    speakers=("article", "d2l"),
)
