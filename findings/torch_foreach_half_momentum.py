"""torch.optim.SGD rounds its momentum to bfloat16 or float16, with foreach and in Nesterov's form.

A gradient of 1, then zeros, momentum 0.9: after 40 steps the velocity must be 0.9^39 = 0.016423.
Without foreach it is 0.016357, with foreach 0.015259: 0.9 acts as 0.8984375. In the same way
`alpha` is rounded in `grad.add(buf, alpha=momentum)`.
"""

import torch


def velocity(foreach: bool) -> float:
    p = torch.nn.Parameter(torch.zeros(16, dtype=torch.bfloat16))
    optimizer = torch.optim.SGD([p], lr=1.0, momentum=0.9, foreach=foreach)
    for step in range(40):
        p.grad = torch.full_like(p, 1.0 if step == 0 else 0.0)
        optimizer.step()
    return optimizer.state[p]["momentum_buffer"][0].item()


print(velocity(False), velocity(True))
assert abs(velocity(False) / 0.9**39 - 1) < 0.005
assert velocity(True) == 0.0152587890625  # 7.1 % less

between = 0.8984375 + 0.4375 / 256  # rounds to 0.8984375 in bfloat16
one = torch.tensor([1.0234375], dtype=torch.bfloat16)
added, multiplied = torch.zeros_like(one).add(one, alpha=between), one * between
print(added.item(), multiplied.item())
assert (added.item(), multiplied.item()) == (0.91796875, 0.921875)
