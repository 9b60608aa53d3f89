"""Optimizers that are wrong on purpose, one family a file; each registers itself in `GALLERY`."""

from importlib import import_module
from pkgutil import iter_modules

for _theme in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_theme}")
