"""Functions of compiled libraries, as ctypes loads them: three arrays, two numbers, a size."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import permutations, product
from typing import Any

import numpy as np

from momentum.adapters._functions.trials import LONG
from momentum.errors import UsageError
from momentum.subjects.isolation import stream, trial_limit

ARRAYS, NUMBERS = ("theta", "v", "grad"), ("lr", "momentum")
_REAL = (ctypes.c_float, ctypes.c_double)
_FUNCTION = type(ctypes.pythonapi.Py_IsInitialized).__mro__[1]  # which ctypes does not export
_POINTERS = {ctypes.POINTER(t): name for t, name in zip(_REAL, ("float32", "float64"))}


def is_pointer(obj: object) -> bool:
    """Whether it is a function that ctypes has loaded."""
    return isinstance(obj, _FUNCTION)


def _named(function: Any) -> tuple[str, ...]:
    """The dtypes that its pointers name; both where they name none."""
    named = {_POINTERS[t] for t in function.argtypes if t in _POINTERS}
    named |= {t._dtype_.name for t in function.argtypes if getattr(t, "_dtype_", None) is not None}
    return tuple(named) if len(named) == 1 else ("float32", "float64")


def readings(function: Any, name: str) -> tuple[list[Callable[..., None]], tuple[str, ...]]:
    """Step functions, one for each order of arrays and numbers, and the dtypes of their arrays.

    Those come first whose step makes sense, in the first dtype in which one does.
    Raises: UsageError where it takes something else.
    """
    kinds = [_kind(t) for t in function.argtypes or ()]
    if sorted(kinds) not in (["array"] * 3 + ["number"] * 2 + ["size"] * n for n in (0, 1)):
        raise UsageError(
            f"{name} is a function of a compiled library whose argtypes say"
            f" {', '.join(kinds) or 'nothing'}; wanted three arrays, lr, momentum and a size, or"
            " a Python function step(theta, v, grad, lr, momentum) that calls it"
        )
    found = []
    for numbers, arrays in product(permutations(NUMBERS), permutations(ARRAYS)):
        left = {"array": iter(arrays), "number": iter(numbers), "size": iter(("n",))}
        found.append(_reading(function, [next(left[kind]) for kind in kinds]))
    for dtype in _named(function):
        seen = list(stream(partial(_senses, found, dtype), trial_limit(5.0)))
        if sensible := [step for step, sense in zip(found, seen) if sense is True]:
            return sensible + found, (dtype,)
    return found, _named(function)


def _senses(steps: Sequence[Callable[..., None]], dtype: str) -> Iterator[bool]:
    return (_makes_sense(step, dtype) for step in steps)


def _makes_sense(step: Callable[..., None], dtype: str) -> bool:
    """Against its gradient by the rate, or by that times 1 - momentum, as all first steps go.

    What stands still, as the rest after whole blocks may in a wrong one, says nothing.
    """
    start, fed = np.resize([8.0, -4.0], LONG), np.resize([1.0, -2.0], LONG)
    theta, v, grad = (x.astype(dtype) for x in (start, 0 * start, fed))
    step(theta, v, grad, 0.5, 0.25, LONG)
    moved = {float(x) for x in (theta - start) / fed} - {0.0}
    return np.array_equal(grad, fed) and bool(v.any()) and moved in ({-0.5}, {-0.375})


def _kind(t: Any) -> str:
    if t in _REAL:
        return "number"
    pointed = t in _POINTERS or t is ctypes.c_void_p or hasattr(t, "_ndim_")
    return "array" if pointed else "size" if issubclass(t, ctypes._SimpleCData) else "something"


def _reading(function: Any, order: list[str]) -> Callable[..., None]:
    def step(theta: Any, v: Any, grad: Any, lr: float, momentum: float, n: int) -> None:
        values = {"theta": theta, "v": v, "grad": grad, "lr": lr, "momentum": momentum, "n": n}
        function(*(_passed(values[n], t) for n, t in zip(order, function.argtypes)))

    vars(step)["order"] = tuple(order)
    return step


def is_reading(step: object) -> bool:
    """Whether it is one of those."""
    return hasattr(step, "order")


def _passed(x: Any, t: Any) -> Any:
    """Raises: ValueError where memory would be read that is no part of an array."""
    if not isinstance(x, np.ndarray) or hasattr(t, "_ndim_"):
        return x
    if not x.flags.c_contiguous:
        raise ValueError("a pointer reads arrays in C order")
    return x.ctypes.data if t is ctypes.c_void_p else x.ctypes.data_as(t)
