"""heavyball.SGD raises where a group holds parameters of shapes (0,) and (4, 0)."""

import os

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import heavyball
import torch

params = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((0,), (4, 0))]
for p in params:
    p.grad = torch.ones_like(p)
try:
    heavyball.SGD(params, lr=0.5, beta=0.5).step()
except RuntimeError as error:
    print(error)
else:
    raise AssertionError("the step was taken: this is fixed")
