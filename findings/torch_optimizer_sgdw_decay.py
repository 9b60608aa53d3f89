"""torch_optimizer.SGDW subtracts lr * weight_decay, whatever the parameter is.

g = 0, lr = 1/2, weight_decay = 1/4: decoupled decay multiplies x by 1 - 1/8. So x = 4 becomes 7/2,
x = 0 stays, and x = -4 becomes -7/2. SGDW drives each of them down by 1/8.
"""

import torch
from torch_optimizer import SGDW

p = torch.nn.Parameter(torch.tensor([4.0, 0.0, -4.0]))
p.grad = torch.zeros(3)
SGDW([p], lr=0.5, weight_decay=0.25).step()

print(p.data.tolist())
assert p.tolist() == [3.875, -0.125, -4.125]  # wanted [3.5, 0, -3.5]
