"""torchopt.sgd forgets at a resume that it is not at its first step: the velocity is not decayed.

x = 0, g = 1, 1, lr = momentum = 1/2: v = 1, 3/2, so x = -1/2, -5/4. A transformation that is made
anew goes on from the saved state with v = 1 + 1 = 2: x = -3/2. "First call" is a variable of the
closure and no part of the state.
"""

import torch
import torchopt

params = [torch.zeros(1)]
first = torchopt.sgd(lr=0.5, momentum=0.5)
state = first.init(params)
updates, state = first.update([torch.ones(1)], state, params=params, inplace=False)
params = torchopt.apply_updates(params, updates, inplace=False)

resumed = torchopt.sgd(lr=0.5, momentum=0.5)
updates, _ = resumed.update([torch.ones(1)], state, params=params, inplace=False)
params = torchopt.apply_updates(params, updates, inplace=False)

print(params[0].item())
assert params[0].item() == -1.5  # wanted -1.25
