"""timm: its optimizers are torch's; they need help to be imported without its models.

The models import torchvision, which many builds of torch lack; a module such as `timm.optim.sgdw`
needs neither.
"""

import sys
import types
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

from momentum.adapters._record import framework


def prepare() -> None:
    """Before timm is imported: where torchvision is missing, let modules be imported alone."""
    found = find_spec("timm")
    if found is None or find_spec("torchvision") is not None:
        return
    for name, folder in (("timm", ""), ("timm.optim", "/optim")):
        package = types.ModuleType(name)
        package.__path__ = [place + folder for place in found.submodule_search_locations or ()]
        package.__spec__ = ModuleSpec(name, None, is_package=True)
        sys.modules[name] = package


ADAPTER = framework("timm", takes="", extra="", prepare=prepare)
