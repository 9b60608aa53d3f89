"""heavyball.SGD rounds the learning rate to float32 in float64.

x = 0, g = 1, lr = 0.1: x = -0.1 to the last digit of float64.
"""

import os

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import heavyball
import numpy as np
import torch

p = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
p.grad = torch.ones_like(p)
heavyball.SGD([p], lr=0.1, beta=0.5, storage_dtype="float64").step()

print(p.item())
assert p.item() == -float(np.float32(0.1)) == -0.10000000149011612  # wanted -0.1
