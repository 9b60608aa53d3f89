"""torch.optim.SGD(fused=True) uses memory that nobody wrote, after a scaler skipped a step.

x = 0; the first gradient is infinite, so the scaler skips the step. The second is g = 1 and the
first that counts: it is not dampened, v = g = 1, and lr = 1 gives x = -1. The step that was skipped
has left a velocity behind that was allocated and never filled, so x = -(v / 2 + 1 / 2) with
whatever v was there.
"""

import torch

p = torch.nn.Parameter(torch.zeros(1000))
optimizer = torch.optim.SGD([p], lr=1.0, momentum=0.5, dampening=0.5, fused=True)
scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
scaler.scale(torch.zeros(1))
p.grad = torch.full((1000,), float("inf"))
scaler.step(optimizer)
scaler.update()
assert not p.any()
assert "momentum_buffer" in optimizer.state[p]  # wanted no velocity: no step was taken

p.grad = torch.ones(1000) * scaler.get_scale()
scaler.step(optimizer)
print(p.min().item(), p.max().item())
assert (p != -1).any()  # wanted -1 everywhere
