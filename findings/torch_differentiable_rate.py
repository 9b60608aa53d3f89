"""torch.optim.SGD(differentiable=True) cannot be differentiated by a learned rate with momentum.

From x = 0 with momentum 1/2 and gradients of 1, three steps of rate r go to -r (1 + 3/2 + 7/4): the
derivative by r is -17/4. The backward pass raises instead: each step multiplies the velocity by the
rate, which autograd wants to read again, and the next step writes into that velocity. Without
momentum (-3) and in Nesterov's form (-41/8 = -(3/2 + 7/4 + 15/8)), which multiplies new tensors, it
is right.
"""

import torch


def derivative(momentum: float, **more: bool) -> float:
    x = torch.zeros(1, requires_grad=True).clone()
    rate = torch.tensor(0.5, requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=rate, momentum=momentum, differentiable=True, **more)
    for _ in range(3):
        x.grad = torch.ones(1)
        optimizer.step()
    return float(torch.autograd.grad(x.sum(), rate)[0])


print(derivative(0.0), derivative(0.5, nesterov=True))
assert derivative(0.0) == -3.0
assert derivative(0.5, nesterov=True) == -41 / 8
raised = ""
try:
    derivative(0.5)
except RuntimeError as error:
    raised = str(error)
print(raised)
assert "modified by an inplace operation" in raised  # wanted -17/4
