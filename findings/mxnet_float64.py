"""SGD and NAG of MXNet 1.9.1 hold the rate in float32 where all else is float64.

x = 0, g = 1, lr = 0.1: x = -0.1 with SGD; with NAG and momentum 1/2 it is -0.15.
"""

import mxnet as mx
import numpy as np

RATE = float(np.float32(0.1))
for kind, wanted in (("SGD", -RATE), ("NAG", -1.5 * RATE)):
    optimizer = getattr(mx.optimizer, kind)(learning_rate=0.1, momentum=0.5)
    x, g = mx.nd.zeros(1, dtype="float64"), mx.nd.ones(1, dtype="float64")
    state = optimizer.create_state_multi_precision(0, x)
    optimizer.update_multi_precision(0, x, g, state)
    print(kind, float(x.asnumpy()[0]))
    assert abs(float(x.asnumpy()[0]) - wanted) < 1e-16  # wanted -0.1 and -0.15: 1e-9 apart
