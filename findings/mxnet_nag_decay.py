"""NAG of MXNet 1.9.1 puts the decay of the new parameter, not of the old, into its velocity.

x = 1, g = 0, lr = momentum = decay = 1/2: d = 1/2, v = 1/4, x = 1 - (1/4 + 1/8) = 5/8.
"""

import mxnet as mx

optimizer = mx.optimizer.NAG(learning_rate=0.5, momentum=0.5, wd=0.5)
x = mx.nd.ones(1)
state = optimizer.create_state_multi_precision(0, x)
optimizer.update_multi_precision(0, x, mx.nd.zeros(1), state)

print(x.asscalar(), state.asscalar())
assert x.asscalar() == 5 / 8
assert state.asscalar() == -5 / 32  # wanted -1/4: 1/2 of 1/2 of 5/8, which is x after the step
