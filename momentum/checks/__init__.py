"""The checks: one family a file, registered in `CHECKS` by name."""

from momentum.checks import (
    aliasing,
    closures,
    determinism,
    framework_schedulers,
    late_groups,
    layouts,
    memory,
    paths,
    scaler,
    sensitivity,
    sparse,
    state,
    trajectory,
    validation,
)
from momentum.checks._check import CHECKS, Check, check, same, true

__all__ = [
    "CHECKS",
    "Check",
    "aliasing",
    "check",
    "closures",
    "determinism",
    "framework_schedulers",
    "late_groups",
    "layouts",
    "memory",
    "paths",
    "same",
    "scaler",
    "sensitivity",
    "sparse",
    "state",
    "trajectory",
    "true",
    "validation",
]
