"""A tinygrad SGD that was copied or pickled shares its tensors with the original.

x = 0, g = 1, 1, lr = momentum = 1/2: v = 1, 3/2 and x = -1/2, -5/4. A copy is made before the first
step and takes a step of its own between the two: nothing of it may be seen in the original.
"""

import copy
import os
import tempfile

os.environ.setdefault("DEV", "PYTHON")  # needs no compiler
os.environ.setdefault("CACHEDB", os.path.join(tempfile.mkdtemp(), "cache.db"))

import numpy as np
from tinygrad import Tensor
from tinygrad.helpers import Context
from tinygrad.nn.optim import SGD


def step(optimizer: object) -> float:
    (p,) = optimizer.params
    p.grad = Tensor(np.ones(1, np.float32)).realize()
    with Context(TRAINING=1):
        optimizer.step()
    return p.numpy().item()


start = Tensor(np.zeros(1, np.float32)).contiguous().realize().is_param_(True)
original = SGD([start], lr=0.5, momentum=0.5)
twin = copy.deepcopy(original)
first = step(original)
moved = twin.params[0].numpy().item()
step(twin)
second = step(original)

print(first, moved, second)
assert moved == -0.5  # wanted 0: the copy has taken no step
assert (first, second) == (-0.5, -2.25)  # wanted (-0.5, -1.25)
