"""torch.optim.SGD keeps the velocity of long ago while momentum is 0, and goes on with it.

lr = 1, g = 1, 0, 0 with momentum 1/2, 0, 1/2. By v = momentum v + g the second step makes v = 0,
so the third moves nothing: x = -1, -1, -1. torch passes the velocity by where momentum is 0.
"""

import torch

p = torch.nn.Parameter(torch.zeros(1))
optimizer = torch.optim.SGD([p], lr=1.0, momentum=0.5)
seen = []
for grad, momentum in ((1.0, 0.5), (0.0, 0.0), (0.0, 0.5)):
    optimizer.param_groups[0]["momentum"] = momentum
    p.grad = torch.full((1,), grad)
    optimizer.step()
    seen.append(p.item())

print(seen)
assert seen == [-1.0, -1.0, -1.5]  # wanted [-1, -1, -1]
