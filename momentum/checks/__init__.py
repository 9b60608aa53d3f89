"""The checks: one family a file, registered in `CHECKS` by name."""

from momentum.checks import trajectory
from momentum.checks._check import CHECKS, Check, check, same, true

__all__ = ["CHECKS", "Check", "check", "same", "trajectory", "true"]
