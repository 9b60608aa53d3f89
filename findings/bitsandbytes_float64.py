"""bitsandbytes 0.50.2, SGD: parameters of float64 are stepped in float32.

lr = 0 leaves x = 0.1 where it is. x comes back as the float32 next to it.
"""

import torch
from bitsandbytes.optim import SGD

x = torch.nn.Parameter(torch.full((1,), 0.1, dtype=torch.float64))
optimizer = SGD([x], lr=0.0, momentum=0.5)
x.grad = torch.ones(1, dtype=torch.float64)
optimizer.step()

(state,) = optimizer.state.values()
print(x.item(), state["state1"].dtype)
assert state["state1"].dtype == torch.float32
assert x.item() == 0.100000001490116119384765625  # wanted 0.1: this is float32(0.1)
