"""A bitsandbytes.optim.SGD that was copied or pickled cannot step: `initialized` is lost."""

import copy

import torch
from bitsandbytes.optim import SGD

p = torch.nn.Parameter(torch.zeros(1))
twin = copy.deepcopy(SGD([p], lr=0.5, momentum=0.5))
twin.param_groups[0]["params"][0].grad = torch.ones(1)
try:
    twin.step()
except AttributeError as error:
    print(error)
else:
    raise AssertionError("the copy took a step: this is fixed")
