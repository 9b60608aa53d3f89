"""The oracle beside a training that is too long to keep: one step at a time, nothing kept."""

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from momentum.arithmetic import format_of
from momentum.conventions import Convention, Hyper, get
from momentum.oracle.given import as_array, named_format
from momentum.oracle.sinks import Values
from momentum.oracle.solving import Solving


class Iterate(NamedTuple):
    """Parameters after a step, and how far an implementation may be from them."""

    value: NDArray[np.float64]
    bound: NDArray[np.float64]


def stream(
    convention: str | Convention,
    start: object,
    gradients: Iterable[object],
    h: Hyper | Iterable[Hyper],
    *,
    dtype: DTypeLike = "float32",
) -> Iterator[Iterate]:
    """What `replay` gives in its fast tier, step by step, while gradients come in.

    gradients: one array a step, None where the parameter has none. h: for all steps, or one each.

    Shapes: start and every gradient alike. Raises: ValueError as `replay` does.
    """
    chosen, format = get(convention), format_of(named_format(dtype))
    origin = np.array(as_array(start), dtype=np.float64)
    lost = np.zeros(origin.shape, dtype=bool)
    run = Solving(chosen, origin, None, (), format, "fast", Values(0, 0))
    here = run.begun(slice(None))
    for t, (given, row) in enumerate(zip(gradients, repeat(h) if isinstance(h, Hyper) else h), 1):
        chosen.validate(row)
        grad = None if given is None else as_array(given)
        if grad is not None and grad.shape != origin.shape:
            raise ValueError(f"gradient {t} has shape {grad.shape}, wanted {origin.shape}")
        with np.errstate(all="ignore"):
            if grad is not None:
                lost |= ~np.isfinite(grad)
                here.take(np.where(lost, 0.0, grad).reshape(-1), row)
            value, bound = (x.reshape(origin.shape) for x in (here.value, here.bound))
            unknown = lost | np.isnan(bound)
        yield Iterate(np.where(lost, np.nan, value), np.where(unknown, np.inf, bound))
