"""bitsandbytes.optim.SGD accepts nesterov and dampening, and does as if they were not there.

x = 0, g = 1, 1, lr = momentum = 1/2. Plain: v = 1, 3/2 and x = -1/2, -5/4. Nesterov adds
momentum * v: x = -3/4, -13/8. dampening = 1/2 halves the second gradient: x = -1/2, -1.
"""

import torch
from bitsandbytes.optim import SGD

for option in ({}, {"nesterov": True}, {"dampening": 0.5}):
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = SGD([p], lr=0.5, momentum=0.5, **option)
    seen = []
    for _ in range(2):
        p.grad = torch.ones(1)
        optimizer.step()
        seen.append(p.item())
    print(option, seen)
    assert seen == [-0.5, -1.25]  # wanted [-0.75, -1.625] and [-0.5, -1] for the options
