"""timm 1.0.31, SGDW: differentiable=True does nothing, the step is cut out of the graph.

x = -lr g: with lr = 1/2 its derivative by g is -1/2, as torch.optim.SGD gives it.
(Where torchvision is missing, the first lines let the module be imported alone.)
"""

import sys
import types
from importlib.util import find_spec

import torch

if find_spec("torchvision") is None:
    places = find_spec("timm").submodule_search_locations
    for name, folder in (("timm", ""), ("timm.optim", "/optim")):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [place + folder for place in places]

from timm.optim.sgdw import SGDW


def derivative(kind: type) -> float | None:
    g = torch.ones(1, requires_grad=True)
    x = torch.zeros(1, requires_grad=True).clone()
    x.retain_grad()
    optimizer = kind([x], lr=0.5, differentiable=True)
    x.grad = g.clone()
    optimizer.step()
    (by_g,) = torch.autograd.grad(x.sum(), g, allow_unused=True)
    return None if by_g is None else float(by_g)


print(derivative(SGDW), "wanted", derivative(torch.optim.SGD))
assert derivative(torch.optim.SGD) == -0.5
assert derivative(SGDW) is None
