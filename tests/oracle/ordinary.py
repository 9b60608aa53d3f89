"""Runs of ordinary numbers, and what they call on their way."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from momentum.arithmetic import FORMATS
from momentum.conventions import CONVENTIONS, Hyper
from momentum.oracle.sinks import Values
from momentum.oracle.solving import Solving

H = Hyper(lr=0.1, momentum=0.9)
FLOAT32 = FORMATS["float32"]
STEPS, SIZE = 5, 6
Told = list[Any]


def told(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, say: Callable[..., Any]) -> Told:
    """What `say` makes of the arguments of each call, which goes on as before."""
    calls: Told = []
    whole = getattr(owner, name)

    def counted(*args: Any, **more: Any) -> Any:
        calls.append(say(*args, **more))
        return whole(*args, **more)

    monkeypatch.setattr(owner, name, counted)
    return calls


def fed(steps: int = STEPS, size: int = SIZE, dtype: Any = np.float64) -> list[Any]:
    """Gradients that every format holds, of float64's type."""
    return [np.arange(1.0 + t, 1.0 + t + size).astype(dtype) % 8 for t in range(steps)]


def solved(gradients: Any, name: str = "accumulated", **more: Any) -> Solving:
    """A run that is not begun."""
    size = next((g.size for g in gradients if g is not None), 1) if gradients else 1
    given = {"format": FLOAT32, "tier": "fast", "sink": Values(len(gradients or ()), size)} | more
    hypers = given.pop("hypers", (H,) * len(gradients or ()))
    return Solving(
        given.pop("convention", CONVENTIONS[name]), np.ones(size), gradients, hypers, **given
    )
