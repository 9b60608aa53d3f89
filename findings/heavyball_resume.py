"""heavyball.SGD rounds its float32 velocity to the parameters' float16 when a state is loaded.

lr = momentum = 1/2, g = 1, 2^-12: v = 1/2 + 2^-12, which float32 holds and float16 does not. After
load_state_dict(state_dict()) it is 1/2: a resumed training is another one.
"""

import os

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import heavyball
import torch


def velocity(optimizer: torch.optim.Optimizer) -> float:
    (state,) = optimizer.state.values()
    return float(state[0]["heavyball_momentum_momentum_0"])


p = torch.nn.Parameter(torch.zeros(1, dtype=torch.float16))
optimizer = heavyball.SGD([p], lr=0.5, beta=0.5)
for grad in (1.0, 2.0**-12):
    p.grad = torch.full_like(p, grad)
    optimizer.step()
resumed = heavyball.SGD([torch.nn.Parameter(p.detach().clone())], lr=0.5, beta=0.5)
resumed.load_state_dict(optimizer.state_dict())

print(velocity(optimizer), velocity(resumed))
assert velocity(optimizer) == 0.5 + 2.0**-12
assert velocity(resumed) == 0.5  # wanted the same
