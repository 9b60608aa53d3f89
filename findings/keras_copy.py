"""A keras.optimizers.SGD that was copied or pickled has forgotten its velocity.

x = 0, g = 1, 1, lr = momentum = 1/2: v = -1/2, -3/4 and x = -1/2, -5/4. A copy made after the first
step goes on with v = -1/2: x = -1. A warning says that variables were skipped.
"""

import copy
import os

os.environ["KERAS_BACKEND"] = "numpy"

import keras
import numpy as np

p = keras.Variable(np.zeros(1), dtype="float32")
optimizer = keras.optimizers.SGD(learning_rate=0.5, momentum=0.5)
optimizer.build([p])
optimizer.apply([np.ones(1)], [p])
twin = copy.deepcopy(optimizer)
twin.build([p])
twin.apply([np.ones(1)], [p])

print(float(p.value[0]))
assert float(p.value[0]) == -1.0  # wanted -1.25
