"""Numbers that start values and gradients are made of."""

import math
from typing import Any

import numpy as np

from momentum.arithmetic import Format
from momentum.subjects.protocol import Array


def draw(
    kind: str, t: int, shape: tuple[int, ...], format: Format, rng: np.random.Generator
) -> Array:
    """Values of one parameter: the start where t is -1, else the gradient of step t (from 0).

    Shapes: the result has `shape`. All of them are numbers of the format.
    Raises: ValueError for an unknown kind.
    """
    start = t < 0
    if kind in ("normal", "quadratic", "bowl"):
        values: Any = rng.standard_normal(shape)
    elif kind == "from_zero":
        values = np.zeros(shape) if start else rng.standard_normal(shape)
    elif kind == "dyadic":
        values = rng.integers(-16, 17, shape) / 8.0
    elif kind == "impulse":
        values = np.full(shape, 1.0 if t == 0 else 0.0)
    elif kind == "still":
        values = rng.standard_normal(shape) if start else np.zeros(shape)
    elif kind == "constant":
        values = np.full(shape, 0.0 if start else 1.0)
    elif kind == "late":
        values = rng.standard_normal(shape) if start or t > 1 else np.zeros(shape)
    elif kind == "ternary":  # digit t + 1 of the element's number in base 3
        digit = np.arange(math.prod(shape)).reshape(shape) // 3 ** min(t + 1, 30) % 3
        values = np.where(digit == 2, -1.0, digit)
    elif kind == "sliced":
        values = rng.standard_normal(shape)
        if t > 0 and shape:
            axis = int(rng.integers(len(shape)))
            np.moveaxis(values, axis, 0)[rng.random(shape[axis]) < 0.5] = 0.0
    elif kind == "faint":
        scale = 0.0 if start else 2.0 ** -(format.emax // 3)
        values = rng.standard_normal(shape) * scale
    elif kind == "wide":
        reach = format.emax // 3
        values = rng.standard_normal(shape) * 2.0 ** rng.integers(-reach, reach // 4 + 1, shape)
        values = np.where(rng.random(shape) < 0.2, 0.0, values)
    elif kind == "tiny":
        values = rng.integers(-64, 65, shape) * format.smallest_subnormal
    elif kind == "huge":
        scale = format.largest / 16
        values = np.clip(rng.standard_normal(shape), -2, 2) * scale
    elif kind == "special":
        values = rng.standard_normal(shape)
        if not start and values.size:
            odd = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan], shape)
            values = np.where(rng.random(shape) < 0.15, odd, values)
    else:
        raise ValueError(f"unknown kind of problem {kind!r}")
    return format.round(values)
