"""A heavyball.SGD that was copied or pickled cannot step: `use_ema` is lost."""

import copy
import os

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import heavyball
import torch

p = torch.nn.Parameter(torch.zeros(1))
twin = copy.deepcopy(heavyball.SGD([p], lr=0.5, beta=0.5))
twin.param_groups[0]["params"][0].grad = torch.ones(1)
try:
    twin.step()
except AttributeError as error:
    print(error)
else:
    raise AssertionError("the copy took a step: this is fixed")
