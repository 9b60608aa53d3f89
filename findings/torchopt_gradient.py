"""torchopt.SGD overwrites p.grad with the update.

g = 1, lr = 1/2: after the step the gradient reads -1/2.
"""

import torch
import torchopt

p = torch.nn.Parameter(torch.zeros(1))
p.grad = torch.ones(1)
torchopt.SGD([p], lr=0.5, momentum=0.5).step()

print(p.grad.item())
assert p.grad.item() == -0.5  # wanted 1
