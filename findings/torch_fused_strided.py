"""torch.optim.SGD(fused=True) on the CPU writes into memory that is not the parameter's.

The parameter is the first column of a matrix of sevens, set to 0; g = 1, lr = 1/2. One step gives
x = -1/2 in the first column, and leaves the second column at 7.
"""

import torch

matrix = torch.full((4, 2), 7.0)
p = torch.nn.Parameter(matrix[:, 0])
with torch.no_grad():
    p.zero_()
p.grad = torch.ones(4)
torch.optim.SGD([p], lr=0.5, fused=True).step()

print(matrix.tolist())
# wanted [[-0.5, 7], [-0.5, 7], [-0.5, 7], [-0.5, 7]]
assert matrix.tolist() == [[-0.5, 6.5], [-0.5, 6.5], [0, 7], [0, 7]]
