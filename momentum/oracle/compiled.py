"""Steps of a block in one pass each, compiled by numba: for large arrays, where it is installed.

What is computed is what Step says, for rules with a parameter and one array of state.
Source: https://numba.readthedocs.io, "Compiling Python code with @jit" for nogil, cache, fastmath
(contract: a b + c may round once, as it does where NumPy multiplies matrices).
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from momentum.oracle.given import Array

Function = TypeVar("Function", bound=Callable[..., Any])


def _compiled(function: Function) -> Function:
    """Compiled at its first call, and kept on disk where there is a folder for it."""
    options: dict[str, Any] = {"nogil": True, "fastmath": {"contract"}}
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


@_compiled
def take(
    matrices: Array, limit: float, look: bool, grad: NDArray[np.floating],
    x: Array, ex: Array, v: Array, ev: Array, new_x: Array, new_ex: Array,
) -> int:  # fmt: skip
    """One step from x to new_x and of v, with errors; 0 where no intermediate result is larger.

    matrices: value, spread and reach of a Step side by side. look: grad may not be float32's.
    """
    # Read before the loop: what it writes might, for all that the compiler knows, be these.
    x0, x1, x2, a0, a1, a2, a3, a4, a5, a6, r0, r1, r2 = [matrices[0, j] for j in range(13)]
    v0, v1, v2, b0, b1, b2, b3, b4, b5, b6 = [matrices[1, j] for j in range(10)]
    beyond = 0
    for i in range(grad.size):
        p, q, g, ep, eq = x[i], v[i], np.float64(grad[i]), ex[i], ev[i]
        eg = abs(np.float64(np.float32(g)) - g) if look else 0.0
        mp, mq, mg = abs(p), abs(q), abs(g)
        # What is too large in v is too large on its way to x, in this step or the next.
        beyond |= not (r0 * (mp + ep) + r1 * (mq + eq) + r2 * (mg + eg) <= limit)
        new_x[i] = x0 * p + x1 * q + x2 * g
        v[i] = v0 * p + v1 * q + v2 * g
        new_ex[i] = a0 * ep + a1 * eq + a2 * mp + a3 * mq + a4 * mg + a5 * eg + a6
        ev[i] = b0 * ep + b1 * eq + b2 * mp + b3 * mq + b4 * mg + b5 * eg + b6
    return beyond


@_compiled
def walk(
    matrices: Array, limit: float, look: bool, grads: NDArray[np.floating],
    x: Array, ex: Array, v: Array, ev: Array, values: Array, bounds: Array,
) -> int:  # fmt: skip
    """All steps of a small run. Shapes: as take's, with a row or matrix for each step."""
    beyond = 0
    for t in range(len(matrices)):
        beyond |= take(
            matrices[t], limit, look, grads[t], x, ex, v, ev, values[t], bounds[t]
        )  # fmt: skip
        x, ex = values[t], bounds[t]
    return beyond


@_compiled
def move(iterate: NDArray[np.floating], u: float, floor: float, x: Array, ex: Array) -> None:
    """Go on from a subject's own iterate, in doubt by one rounding."""
    for i in range(iterate.size):
        x[i] = np.float64(iterate[i])
        ex[i] = abs(x[i]) * u + floor


@_compiled
def distance(got: NDArray[np.floating], value: Array, out: Array) -> None:
    """|got - value|, infinite where either is not finite."""
    for i in range(got.size):
        apart = abs(np.float64(got[i]) - value[i])
        out[i] = apart if apart <= np.inf else np.inf
