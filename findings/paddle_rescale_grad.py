"""paddle.optimizer.Momentum ignores rescale_grad on the CPU.

x = 0, g = 1, lr = 1/2, rescale_grad = 1/4: x = -1/8.
"""

import paddle

paddle.set_device("cpu")
p = paddle.create_parameter([1], dtype="float32")
p.set_value(paddle.zeros([1]))
p.grad = paddle.ones([1])
paddle.optimizer.Momentum(0.5, momentum=0.5, parameters=[p], rescale_grad=0.25).step()

print(p.item())
assert p.item() == -0.5  # wanted -0.125
