"""How small an error of a hyper-parameter a run would have failed.

Where a hyper-parameter h is off by a relative error e all along, an iterate moves by e dx/d(ln h),
to first order. It leaves its bound b where e > b / |dx/d(ln h)|; the smallest such e, over steps,
coordinates and both comparisons, is the power of the run. What is off is rounded to the working
format in its turn, which may add a unit of rounding to e, and in float64 one of the oracle's.
Source: Griewank and Walther, Evaluating Derivatives, 2nd ed., section 3.1, for the derivatives.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.arithmetic.dual import Dual
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import NUMBERS
from momentum.oracle.given import Array

COORDINATES = 24
"""Of a parameter that are looked at: enough to see how an error shows."""


def power(
    convention: Convention,
    hypers: Sequence[Hyper],
    start: Array,
    fed: Sequence[Array | None],
    bounds: tuple[Array, Array],
    dtype: str,
) -> dict[str, float]:
    """The smallest relative error of each hyper-parameter that a comparison would have failed.

    bounds: of the trajectory, and of each step alone. Shapes: start and each of fed (coordinates,),
    bounds (steps, coordinates).
    """
    own = format_of(dtype).operation_u_beside_float64
    found: dict[str, float] = {}
    for bound, afresh in zip(bounds, (False, True)):
        slopes = np.abs(_slopes(convention, hypers, start, fed, afresh))
        with np.errstate(all="ignore"):
            errors = bound[:, None, :] / slopes
        errors = np.where(np.isnan(errors), np.inf, errors)
        for name, error in zip(NUMBERS, errors.min(axis=(0, 2), initial=np.inf)):
            found[name] = min(max(float(error) - own, float(error) / 2), found.get(name, np.inf))
    return {name: error for name, error in found.items() if np.isfinite(error)}


def smallest(errors: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The power of several runs together."""
    found: dict[str, float] = {}
    for one in errors:
        found |= {name: min(error, found.get(name, np.inf)) for name, error in one.items()}
    return found


def _slopes(
    convention: Convention,
    hypers: Sequence[Hyper],
    start: Array,
    fed: Sequence[Array | None],
    afresh: bool,
) -> Array:
    """dx/d(ln h) of every iterate, of each step alone where `afresh`.

    Shapes: (steps, hyper-parameters, coordinates).
    """
    count = len(NUMBERS)
    theta, state = Dual(start, np.zeros((count, 1))), convention.initial
    found = np.empty((len(fed), count, start.size))
    with np.errstate(all="ignore"):
        for t, (grad, h) in enumerate(zip(fed, hypers)):
            if afresh:
                theta = Dual(theta.value, np.zeros((count, 1)))
            if grad is not None:
                theta, state = convention.step(theta, grad, state, _relative(h))
            found[t] = np.broadcast_to(theta.slope, found[t].shape)
    return found


def _relative(h: Hyper) -> Hyper:
    """Hyper-parameters as dual numbers, by their logarithms: dh/d(ln h) = h."""
    unit = np.eye(len(NUMBERS))
    lifted: dict[str, Any] = {
        name: Dual(float(x), float(x) * unit[:, k : k + 1])
        for k, name in enumerate(NUMBERS)
        if (x := getattr(h, name))
    }
    return h._replace(**lifted)
