"""torch.optim.SGD(fused=True) on CUDA stops where parameter and gradient lie differently in memory.

x = 0, lr = 1: one step gives x = -g, as the other paths show. The parameter is a transposed view,
the gradient is not. On the CPU the same step is taken, and wrong: torch_fused_layout.py.
"""

import torch

g = torch.arange(6.0, device="cuda").reshape(2, 3)


def stepped(**path):
    p = torch.nn.Parameter(torch.zeros(3, 2, device="cuda").t())
    p.grad = g
    torch.optim.SGD([p], lr=1.0, **path).step()
    return p.data


assert stepped(foreach=True).equal(-g)
assert stepped(foreach=False).equal(-g)
message = ""
try:
    stepped(fused=True)
except RuntimeError as error:
    message = str(error)
print(message)
assert "check_fast_path_restrictions" in message  # an inner check; no word of the gradient
