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

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._signature import fitted
from momentum.conventions import Hyper
from momentum.subject import Array, Facts, Gradient, Subject, SubjectError

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
    ) -> "_Run":
        _shared.no_options(options)
        return _Run(self, parameters, hypers[0], _dtype(dtype))


class _Run(_shared.Keeper):
    state = ("theta", "v", "h")

    def __init__(
        self, subject: _StepFunction, parameters: Sequence[Array], h: Hyper, dtype: Any
    ) -> None:
        self.subject, self.dtype, self.h = subject, dtype, h
        self.theta = [np.array(x, dtype=dtype) for x in parameters]
        self.v: list[Any] = [None if subject.lazy else np.zeros_like(x) for x in self.theta]
        self.shapes = [x.shape for x in self.theta]
        self.given: list[Any] = []

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def step(self, gradients: Sequence[Gradient]) -> None:
        subject = self.subject
        known = _shared.arguments(self.h, subject.names, subject.facts.fixed) | subject.others
        self.given = [np.array(g, dtype=self.dtype) for g in _shared.complete(gradients)]
        for i, g in enumerate(self.given):
            answer = subject.function(self.theta[i], self.v[i], g, **known)
            if not isinstance(answer, tuple) or len(answer) != 2:
                raise SubjectError(f"returned {type(answer).__name__}, wanted (theta, v)")
            for which, x in zip(("theta", "v"), answer):
                if not isinstance(x, (np.ndarray, np.generic)) or x.shape != self.shapes[i]:
                    got = getattr(x, "shape", type(x).__name__)
                    raise SubjectError(f"returned {which} of shape {got}, wanted {self.shapes[i]}")
            self.theta[i], self.v[i] = answer

    def parameters(self) -> list[Array]:
        return _shared.read_all(self.theta, str(self.dtype), self.shapes)

    def fed(self) -> list[Array]:
        return [np.array(g, dtype=np.float64) for g in self.given]

    def overwrite_fed(self) -> None:
        for g in self.given:
            g.fill(np.nan)


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes  # type: ignore[import-not-found,unused-ignore]

        name = ml_dtypes.bfloat16
    return np.dtype(name)
