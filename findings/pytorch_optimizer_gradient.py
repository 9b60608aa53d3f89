"""pytorch_optimizer.SGDW(maximize=True) turns the sign of p.grad, in place.

g = 1 stays 1 in a step that ascends along it. A second step without a new backward pass descends.
"""

import torch
from pytorch_optimizer import SGDW

p = torch.nn.Parameter(torch.zeros(1))
p.grad = torch.ones(1)
optimizer = SGDW([p], lr=0.5, maximize=True)
optimizer.step()
first = p.item()
optimizer.step()

print(p.grad.item(), first, p.item())
assert p.grad.item() == 1.0  # turned twice
assert (first, p.item()) == (0.5, 0.0)  # wanted (0.5, 1)

p.grad = torch.ones(1)
SGDW([p], lr=0.5, momentum=0.5, nesterov=True, foreach=False).step()
print(p.grad.item())
assert p.grad.item() == 1.5  # wanted 1: the update 1 + 1/2 has been made in the gradient
