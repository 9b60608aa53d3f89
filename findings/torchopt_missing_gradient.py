"""torchopt.sgd never moves a parameter again of which one gradient was missing.

x = 0, g = 1, none, 1, 1, lr = momentum = 1/2. torch.optim.SGD, which it follows, passes a step
without gradient by: v = 1, 1, 3/2, 7/4 and x = -1/2, -1/2, -5/4, -17/8. Here the velocity becomes
None with the gradient, and stays so; nothing says so.
"""

import torch
import torchopt

params = [torch.zeros(1)]
optimizer = torchopt.sgd(lr=0.5, momentum=0.5)
state = optimizer.init(params)
seen = []
for grad in (torch.ones(1), None, torch.ones(1), torch.ones(1)):
    updates, state = optimizer.update([grad], state, params=params, inplace=False)
    params = torchopt.apply_updates(params, updates, inplace=False)
    seen.append(params[0].item())

print(seen)
assert seen == [-0.5, -0.5, -0.5, -0.5]  # wanted [-0.5, -0.5, -1.25, -2.125]
