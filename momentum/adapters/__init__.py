"""From what a user names to a Subject; each framework is imported in its own file only."""

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any, cast

from momentum.adapters import process
from momentum.adapters._resolve import literal, resolve
from momentum.errors import UsageError
from momentum.subjects.protocol import Facts, Subject

ADAPTERS: Mapping[str, str] = {
    "function": "",
    "keras": "keras",
    "optax": "optax",
    "jax": "jax",
    "sklearn": "sklearn",
    "tinygrad": "tinygrad",
    "mlx": "mlx",
    "torchopt": "torchopt",
    "chainer": "chainer",
    "paddle": "paddle",
    "river": "river",
    "onnx": "onnx",
    "torch": "torch",  # last: it takes any function of `params`, and Keras derives from its classes
}
"""File of this package -> the framework that it imports. Asked in this order whether they accept an
object, those whose framework is loaded: an object of one that nobody has imported cannot exist."""


def load(target: str, settings: Mapping[str, str] | None = None) -> Subject:
    """The subject that a target names: `package.module:name`, `package.name`, `file.py:name`, or
    `process:COMMAND` for a program that speaks the protocol of `momentum.adapters.process`.

    settings: arguments that the caller fixes, each a Python literal (True, 0.9, 'text', None).
    Raises: UsageError, in one line, where something is wrong with either.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    fixed = {n: literal(n, text) for n, text in (settings or {}).items()}
    if target.startswith("process:"):
        return process.adapt(target.removeprefix("process:"), fixed, target)
    return adapt(resolve(target), fixed, target)


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """The subject behind an optimizer class, factory or function; subjects stay as they are.

    Raises: UsageError where it is none, or the fixed arguments do not fit it.
    """
    if isinstance(getattr(obj, "facts", None), Facts) and callable(getattr(obj, "start", None)):
        if fixed:
            raise UsageError(f"{name} is a Subject already: --set {next(iter(fixed))} has no place")
        return cast(Subject, obj)
    for file, framework in ADAPTERS.items():
        if not framework or framework in sys.modules:
            adapter = importlib.import_module(f"momentum.adapters.{file}")
            if adapter.accepts(obj):
                return cast(Subject, adapter.adapt(obj, fixed, name))
    raise UsageError(
        f"{name} is {_kind(obj)}, no optimizer that is known here: wanted an optimizer class or"
        " factory of torch, optax, Keras, JAX, scikit-learn, tinygrad, MLX, TorchOpt, Chainer,"
        " Paddle, river or ONNX, a function"
        " step(theta, v, grad, lr, momentum) or f(params, states, hyperparams), or a Subject"
    )


def _kind(obj: Any) -> str:
    if isinstance(obj, type):
        return "a class"
    if callable(obj):
        return "a function" if hasattr(obj, "__name__") else f"an object of {type(obj).__name__}"
    return f"an object of {type(obj).__name__}"
