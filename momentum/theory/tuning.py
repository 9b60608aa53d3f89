"""The best constant hyper-parameters on an interval of eigenvalues, as floats can hold them.

Source: Polyak 1964, Some methods of speeding up the convergence of iteration methods (heavy ball);
Lessard, Recht and Packard 2016, Analysis and design of optimization algorithms via integral
quadratic constraints, proposition 1 (all three).
"""

import math
import sys
from collections.abc import Iterator
from typing import NamedTuple

from flint import arb, ctx, fmpq

from momentum.arithmetic import exact, nearest
from momentum.theory.quadratic import METHODS, RADIUS_BITS, Method, radius_of

# Floats on either side of the best real rate that are tried: it rounds once, by half a float.
_NEIGHBOURS = 3


class Best(NamedTuple):
    """Constant hyper-parameters and the rate that just these have, rounded to nearest."""

    lr: float
    momentum: float
    rate: float


def best(method: Method, smallest: float, largest: float) -> Best:
    """The float64 hyper-parameters with the least rate over all eigenvalues in an interval.

    k = largest / smallest; in real numbers these are
    gradient_descent  lr = 2 / (smallest + largest),  rate = (k - 1) / (k + 1)
    heavy_ball        lr = (2 / (sqrt(largest) + sqrt(smallest)))^2,
                      momentum = rate^2,  rate = (sqrt(k) - 1) / (sqrt(k) + 1)
    nesterov          lr = 4 / (3 largest + smallest),
                      momentum = (sqrt(3 k + 1) - 2) / (sqrt(3 k + 1) + 2),
                      rate = 1 - 2 / sqrt(3 k + 1)

    The momentum of the last two makes a double root, where a momentum too small by e costs about
    sqrt(e) of rate. So each learning rate near the best one is tried with the least float that is
    no smaller than what its own double root needs, and with its neighbours; of all pairs the one
    with the least rate is given, with the rate that it has. Over the interval the largest radius is
    at one of its ends.

    Raises: ValueError unless 0 < smallest <= largest < inf, or for an unknown method.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: known are {', '.join(METHODS)}")
    if not 0 < smallest <= largest < math.inf:
        raise ValueError(f"eigenvalues [{smallest}, {largest}]: wanted 0 < smallest <= largest")
    low, high = exact(smallest), exact(largest)
    with ctx.workprec(RADIUS_BITS):
        pairs = [
            (lr, momentum)
            for lr in _around(_best_lr(method, arb(low), arb(high)))
            for momentum in _momenta(method, lr, low, high)
        ]
    rated = {
        pair: max(radius_of(method, *pair, low), radius_of(method, *pair, high)) for pair in pairs
    }
    lr, momentum = min(pairs, key=lambda pair: rated[pair])
    return Best(lr, momentum, nearest(rated[lr, momentum]))


def _best_lr(method: Method, low: arb, high: arb) -> arb:
    """The best learning rate in real numbers."""
    if method == "gradient_descent":
        return 2 / (low + high)
    if method == "heavy_ball":
        return (2 / (high.sqrt() + low.sqrt())) ** 2
    return 4 / (3 * high + low)


def _momenta(method: Method, lr: float, low: fmpq, high: fmpq) -> Iterator[float]:
    """Floats about the least momentum with which no root at either end is real."""
    if method == "gradient_descent":
        yield 0.0
        return
    first, last = (arb(exact(lr) * eigenvalue).sqrt() for eigenvalue in (low, high))
    if method == "heavy_ball":
        needed = max((1 - first) ** 2, (last - 1) ** 2)
    else:
        needed = (1 - first) / (1 + first)
    for momentum in _around(needed):
        if 0 <= momentum < 1:
            yield momentum
    yield math.nextafter(1.0, 0.0) if needed >= 1 else 0.0


def _around(value: arb) -> list[float]:
    """The float64 numbers nearest to a real one, its own rounding among them; none is infinite."""
    x = min(max(float(value), 0.0), sys.float_info.max)
    found = [x]
    for _ in range(_NEIGHBOURS):
        found = [math.nextafter(found[0], -math.inf), *found, math.nextafter(found[-1], math.inf)]
    return [x for x in found if math.isfinite(x)]
