"""bitsandbytes 0.50.2, SGD: the imaginary part of a complex gradient is dropped.

lr = momentum = 1/2, g = 1 + i twice: v = 1 + i, 3/2 (1 + i); x = -5/4 (1 + i).
"""

import torch
from bitsandbytes.optim import SGD

x = torch.nn.Parameter(torch.zeros(1, dtype=torch.complex64))
optimizer = SGD([x], lr=0.5, momentum=0.5)
for _ in range(2):
    x.grad = torch.full((1,), 1 + 1j, dtype=torch.complex64)
    optimizer.step()

got = complex(x[0])
print(got, "wanted", -1.25 - 1.25j)
assert got == -1.25
