"""torch-optimi's SGD writes the weight decay into p.grad.

x = 1, g = 1, weight_decay = 1/4: the gradient reads 5/4 after the step, as foreach too.
"""

import optimi
import torch

for foreach in (False, True):
    p = torch.nn.Parameter(torch.ones(1))
    p.grad = torch.ones(1)
    optimi.SGD([p], lr=0.5, momentum=0.5, weight_decay=0.25, foreach=foreach).step()
    print(foreach, p.grad.item())
    assert p.grad.item() == 1.25  # wanted 1
