"""timm: its optimizers are torch's; they need help to be imported without its models.

The models import torchvision, which many builds of torch lack; a module such as `timm.optim.sgdw`
needs neither. `timm.optim:SGDW` is found there by its name.
"""

import sys
import types
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

from momentum.adapters._record import framework


def prepare() -> None:
    """Before timm is imported: where torchvision is missing, let modules be imported alone."""
    found = None if "timm" in sys.modules else find_spec("timm")
    if found is None or find_spec("torchvision") is not None:
        return
    for name, folder in (("timm", ""), ("timm.optim", "/optim")):
        package = types.ModuleType(name)
        package.__path__ = [place + folder for place in found.submodule_search_locations or ()]
        package.__spec__ = ModuleSpec(name, None, is_package=True)
        setattr(package, "__getattr__", partial(_found, name))  # noqa: B010 - not declared
        sys.modules[name] = package


def _found(package: str, name: str) -> object:
    """A module of a package, or what a module of the same name holds."""
    try:
        module = import_module(f"{package}.{name.lower()}")
    except ModuleNotFoundError:
        raise AttributeError(name) from None
    return module if name.islower() else getattr(module, name)


ADAPTER = framework("timm", takes="", extra="", prepare=prepare)
