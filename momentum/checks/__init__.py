"""The checks: one family a file, registered in `CHECKS` by name; what they share is private."""

from importlib import import_module
from pkgutil import iter_modules

from momentum.checks._check import CHECKS, Check, check, same, true
from momentum.checks._trial import Trial

FAMILIES = sorted(
    module.name
    for module in iter_modules(__path__)
    if not module.name.startswith("_") and module.name != "result"
)
for _family in FAMILIES:
    import_module(f"{__name__}.{_family}")

__all__ = ["CHECKS", "Check", "Trial", "check", "same", "true"]
