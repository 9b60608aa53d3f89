"""torch.optim.SGD(fused=True, momentum=...) raises where a parameter's first gradient comes later.

Layers that are unfrozen in a training do just that. The loop and foreach take the step.
"""

import torch

a, b = (torch.nn.Parameter(torch.zeros(2)) for _ in range(2))
optimizer = torch.optim.SGD([a, b], lr=0.5, momentum=0.5, fused=True)
a.grad = torch.ones(2)
optimizer.step()
b.grad = torch.ones(2)
try:
    optimizer.step()
except TypeError as error:
    print(error)
else:
    raise AssertionError("the step was taken: this is fixed")
