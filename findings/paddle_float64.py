"""paddle.optimizer.Momentum rounds the momentum to float32 in float64.

x = 0, g = 1, 0, lr = 1/2, momentum = 0.9: x = -0.5, -0.95 to the last digit of float64. The CPU
kernel computes -0.5 (1 + fl32(0.9)), wrong in the eighth digit.
"""

import numpy as np
import paddle

paddle.set_device("cpu")
p = paddle.create_parameter([1], dtype="float64")
p.set_value(paddle.zeros([1], dtype="float64"))
optimizer = paddle.optimizer.Momentum(0.5, momentum=0.9, parameters=[p])
for grad in (1.0, 0.0):
    p.grad = paddle.to_tensor(np.full(1, grad))
    optimizer.step()

print(p.item())
assert p.item() == -0.5 * (1 + float(np.float32(0.9))) == -0.949999988079071  # wanted -0.95
