"""QHM, AggMo and AccSGD of torch_optimizer write the weight decay into p.grad.

x = 1, g = 1, weight_decay = 1/4: the gradient reads 5/4 after the step, and 3/2 after a second one
without a new backward pass.
"""

import torch
from torch_optimizer import QHM, AccSGD, AggMo

for kind in (QHM, AggMo, AccSGD):
    p = torch.nn.Parameter(torch.ones(1))
    p.grad = torch.ones(1)
    arguments = {"momentum": 0.5} if kind is QHM else {}
    kind([p], lr=0.5, weight_decay=0.25, **arguments).step()
    print(kind.__name__, p.grad.item())
    assert p.grad.item() == 1.25  # wanted 1
