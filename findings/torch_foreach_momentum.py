"""torch.optim.SGD(foreach=True) on the CPU rounds momentum to the format of the parameters.

bfloat16 holds 0.9 as 0.8984375. From x = 0 with lr = 1, gradients 1.5 and 0 leave the velocity
0.9 * 1.5 = 1.35, which is 1.3515625 in bfloat16. The loop has that; foreach has 0.8984375 * 1.5 =
1.34765625, halfway between two numbers of bfloat16, and so 1.34375.
"""

import torch


def velocity(foreach: bool) -> float:
    p = torch.nn.Parameter(torch.zeros(1, dtype=torch.bfloat16))
    optimizer = torch.optim.SGD([p], lr=1.0, momentum=0.9, foreach=foreach)
    for g in (1.5, 0.0):
        p.grad = torch.tensor([g], dtype=torch.bfloat16)
        optimizer.step()
    return float(optimizer.state[p]["momentum_buffer"])


print(velocity(False), velocity(True))
assert velocity(False) == 1.3515625
assert velocity(True) == 1.34375  # wanted 1.3515625
