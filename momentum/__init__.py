"""Reference oracle and conformance suite for stochastic gradient descent with momentum."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from momentum import convert, explain, identify
    from momentum.conformance import parametrize
    from momentum.conventions import CONVENTIONS, Convention, Hyper
    from momentum.deviation import Comparison, Deviation
    from momentum.oracle import Trajectory, replay
    from momentum.sgd import MomentumSGD, init_momentum_states, sgd_momentum

__version__ = "0.1.0"

__all__ = [
    "CONVENTIONS",
    "Comparison",
    "Convention",
    "Deviation",
    "Hyper",
    "MomentumSGD",
    "Trajectory",
    "convert",
    "explain",
    "identify",
    "init_momentum_states",
    "parametrize",
    "replay",
    "sgd_momentum",
]

_HOMES = {
    "CONVENTIONS": "momentum.conventions",
    "Comparison": "momentum.deviation",
    "Convention": "momentum.conventions",
    "Deviation": "momentum.deviation",
    "Hyper": "momentum.conventions",
    "MomentumSGD": "momentum.sgd",
    "Trajectory": "momentum.oracle",
    "init_momentum_states": "momentum.sgd",
    "parametrize": "momentum.conformance",
    "replay": "momentum.oracle",
    "sgd_momentum": "momentum.sgd",
}


_CALLABLE = ("convert", "explain", "identify")
"""Packages that are called like functions: `momentum.identify(subject)`."""


def __getattr__(name: str) -> Any:
    # On demand: pytest loads this package at every start, and some names need torch or Hypothesis.
    if name in _CALLABLE:
        return import_module(f"momentum.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
