"""Reference oracle and conformance suite for stochastic gradient descent with momentum."""

from momentum.conventions import CONVENTIONS, Convention, Hyper
from momentum.deviation import Comparison, Deviation
from momentum.oracle import Trajectory, replay

__version__ = "0.1.0"

__all__ = [
    "CONVENTIONS",
    "Comparison",
    "Convention",
    "Deviation",
    "Hyper",
    "Trajectory",
    "replay",
]
