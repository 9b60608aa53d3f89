"""torch.optim.SGD(foreach=True, differentiable=True) with decay cannot be differentiated.

From x = 1 with lr = weight_decay = 1/2 and gradients of 0, x = 3/4 after one step and 9/16 after
two; the derivative by the gradients is -1/2 (3/4) and -1/2. The loop gives these. foreach adds the
decay to tensors that autograd has saved, and the backward pass raises.
"""

import torch


def derivatives(foreach: bool) -> list[float]:
    x = torch.ones(1, requires_grad=True).clone()
    more = {"foreach": foreach, "differentiable": True}
    optimizer = torch.optim.SGD([x], lr=0.5, weight_decay=0.5, **more)
    fed = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    for g in fed:
        x.grad = g
        optimizer.step()
    return [float(d) for d in torch.autograd.grad(x.sum(), fed)]


print(derivatives(False))
assert derivatives(False) == [-0.375, -0.5]
told = ""
try:
    derivatives(True)
except RuntimeError as error:
    told = str(error)
print(told)
assert "modified by an inplace operation" in told  # wanted: the same derivatives
