"""torch.optim.SGD(fused=True) on the CPU takes memory order for element order.

x = 0, lr = 1: one step gives x = -g. The parameter is a transposed view, the gradient is not.
"""

import torch

p = torch.nn.Parameter(torch.zeros(3, 2).t())
p.grad = torch.arange(6.0).reshape(2, 3)
torch.optim.SGD([p], lr=1.0, fused=True).step()

print(p.data.tolist())
assert p.tolist() == [[0, -2, -4], [-1, -3, -5]]  # wanted [[0, -1, -2], [-3, -4, -5]]
