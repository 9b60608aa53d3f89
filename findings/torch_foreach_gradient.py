"""torch.optim.SGD(foreach=True, nesterov=True) overwrites p.grad with the update.

g = 1, momentum = 1/2: v = 1, and the update is g + v / 2 = 3/2. The gradient stays 1, as it does
in the loop: whoever reads it afterwards, to log its norm or to accumulate more, reads another.
Two parameters whose gradient is one tensor both take 1 + 1/2 + 1/2 for their update.
"""

import torch

p = torch.nn.Parameter(torch.zeros(2))
p.grad = torch.ones(2)
torch.optim.SGD([p], lr=0.5, momentum=0.5, nesterov=True, foreach=True).step()

print(p.grad)
assert p.grad.tolist() == [1.5, 1.5]  # wanted [1, 1]

pair = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
pair[0].grad = pair[1].grad = torch.ones(1)
torch.optim.SGD(pair, lr=0.5, momentum=0.5, nesterov=True, foreach=True).step()

print(pair)
assert [p.item() for p in pair] == [-1.0, -1.0]  # wanted -3/4
