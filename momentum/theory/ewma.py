"""Exponentially weighted moving averages, and the velocity as a weighted sum.

The functions use + - * (and one division where a limit needs it), so rationals give exact
results and floats give rounded ones; values may also be arrays.

Source: Zhang, Lipton, Li and Smola, Dive into Deep Learning, section "Momentum", which reads the
velocity as a moving average over about 1/(1 - momentum) past gradients.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeVar, cast

from flint import fmpq

from momentum.arithmetic import number

Number = TypeVar("Number", float, Fraction, fmpq)
X = TypeVar("X", bound=number.Number)
"""A number, or an array of them."""


def _count(name: str, value: int) -> int:
    if value < 0:
        raise ValueError(f"{name} = {value}: wanted a count, 0 or more")
    return value


def weights(momentum: Number, steps: int) -> list[Number]:
    """Weight of the newest, second newest, ... gradient in the velocity.

    w_i = momentum^i,  0 <= i < steps

    Raises: ValueError for a negative count.
    """
    powers: list[Number] = []
    power = momentum * 0 + 1  # the one of the caller's number type
    for _ in range(_count("steps", steps)):
        powers.append(power)
        power = power * momentum
    return powers


def weight_sum(momentum: Number, steps: int) -> Number:
    """Sum of the first weights, by Horner's rule.

    s_0 = 0
    s_t = 1 + momentum s_{t-1} = (1 - momentum^t) / (1 - momentum)

    The recursion needs no division, so it holds at momentum = 1 (where s_t = t) and does not
    cancel in floats just below it.

    Raises: ValueError for a negative count.
    """
    total = momentum * 0
    for _ in range(_count("steps", steps)):
        total = 1 + momentum * total
    return total


def effective_window(momentum: Number) -> Number:
    """Number of gradients that the velocity is worth: the limit of the sum of weights.

    n = 1 / (1 - momentum)

    A gradient n steps old weighs momentum^n, which tends to exp(-1) as momentum tends to 1; the
    article neglects everything older. Units: steps.

    Raises: ValueError unless |momentum| < 1, where the sum converges.
    """
    if not -1 < momentum < 1:
        raise ValueError(
            f"momentum = {momentum}: the weights sum to a limit for |momentum| < 1 only"
        )
    return 1 / (1 - momentum)


def older_share(momentum: Number, steps: int) -> Number:
    """Share of the whole weight that lies on gradients older than the last `steps`.

    momentum^steps = 1 - (1 - momentum) s_steps

    Raises: ValueError for a negative count.
    """
    return weights(momentum, _count("steps", steps) + 1)[-1]


def weighted_sum(values: Sequence[X], momentum: Number) -> X:
    """The article's expansion of the velocity: every past value at its own weight.

    v_t = sum_i momentum^i x_{t-i}

    Shapes: values may be numbers or arrays of one shape, oldest first; 0 where there are none.
    """
    total: Any = 0
    for weight, value in zip(weights(momentum, len(values)), reversed(values)):
        total = total + weight * value
    return total


def expansion(values: Sequence[X], momentum: Number, start: X | int = 0) -> X:
    """The article's expansion of the moving average, from the beginning.

    y_t = (1 - momentum) sum_i momentum^i x_{t-i} + momentum^t y_0

    Shapes: as `weighted_sum`.
    """
    left, total = older_share(momentum, len(values)), weighted_sum(values, momentum)
    return cast(X, (1 - momentum) * total + left * start)


def averages(values: Iterable[X], momentum: Number, start: X | int = 0) -> list[X]:
    """The moving average after every value.

    y_t = momentum y_{t-1} + (1 - momentum) x_t,  y_0 = start

    Shapes: as `weighted_sum`; one result for each value.
    """
    y: Any = start
    result = []
    for x in values:
        y = momentum * y + (1 - momentum) * x
        result.append(y)
    return result


def windowed(values: Sequence[X], momentum: Number, window: int) -> X:
    """The article's approximation of the moving average by its newest values only.

    y_t ~ (1 - momentum) sum_{i < window} momentum^i x_{t-i}

    What it leaves out weighs `older_share(momentum, window)` in all: 0.95^20 = 0.3585 for the
    article's example, by no means nothing.
    Shapes: as `weighted_sum`. Raises: ValueError for a negative window.
    """
    newest = values[max(0, len(values) - _count("window", window)) :]
    return cast(X, (1 - momentum) * weighted_sum(newest, momentum))
