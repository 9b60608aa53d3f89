"""Problems that optimizers are run on."""

from momentum.subjects.problems.recorded import KINDS, Problem

__all__ = ["KINDS", "Problem"]
