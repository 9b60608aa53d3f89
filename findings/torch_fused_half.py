"""torch.optim.SGD(fused=True) on the CPU leaves most of a float16 or bfloat16 parameter alone.

x = 0, g = 1, lr = 1/2: one step gives x = -1/2 in every element, exactly, in every format.
"""

import torch

p = torch.nn.Parameter(torch.zeros(33, dtype=torch.bfloat16))
p.grad = torch.ones_like(p)
torch.optim.SGD([p], lr=0.5, fused=True).step()

print(p.data.tolist())
assert p[0].item() == 0.0  # wanted -0.5
assert p[32].item() == -0.5  # the rest that fills no vector is right
