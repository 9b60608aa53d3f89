"""Problems that optimizers are run on."""

from momentum.problems.recorded import KINDS, Problem

__all__ = ["KINDS", "Problem"]
