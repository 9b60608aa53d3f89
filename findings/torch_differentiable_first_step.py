"""torch.optim.SGD(differentiable=True) loses the first gradient, where there is momentum.

From x = 0 with lr = 1/2 and momentum 1/2, gradients a, b give x = -a/2 - (a/2 + b)/2: the
derivative is -3/4 by a and -1/2 by b. By a it comes out as 0: the first velocity is a detached copy
of a. Without momentum it is -1/2 by either.
"""

import torch


def derivatives(momentum: float) -> list[float]:
    x = torch.zeros(1, requires_grad=True).clone()
    optimizer = torch.optim.SGD([x], lr=0.5, momentum=momentum, differentiable=True)
    fed = [torch.ones(1, requires_grad=True) for _ in range(2)]
    for g in fed:
        x.grad = g
        optimizer.step()
    found = torch.autograd.grad(x.sum(), fed, allow_unused=True)
    return [0.0 if d is None else float(d) for d in found]


print(derivatives(0.0), derivatives(0.5))
assert derivatives(0.0) == [-0.5, -0.5]
assert derivatives(0.5) == [0.0, -0.5]  # wanted [-0.75, -0.5]
