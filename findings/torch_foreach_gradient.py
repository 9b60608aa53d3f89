"""torch.optim.SGD(foreach=True, nesterov=True) overwrites p.grad with the update.

g = 1, momentum = 1/2: v = 1, and the update is g + v / 2 = 3/2. The gradient stays 1, as it does
in the loop: whoever reads it afterwards, to log its norm or to accumulate more, reads another.
"""

import torch

p = torch.nn.Parameter(torch.zeros(2))
p.grad = torch.ones(2)
torch.optim.SGD([p], lr=0.5, momentum=0.5, nesterov=True, foreach=True).step()

print(p.grad)
assert p.grad.tolist() == [1.5, 1.5]  # wanted [1, 1]
