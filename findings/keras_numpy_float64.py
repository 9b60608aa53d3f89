"""keras.optimizers.SGD on the NumPy backend rounds rate and momentum to float32 in float64.

x = 0, g = 1, lr = 0.1, with floatx float64: x = -0.1. The JAX and torch backends give just that.
"""

import os

os.environ["KERAS_BACKEND"] = "numpy"

import keras
import numpy as np

keras.config.set_floatx("float64")
p = keras.Variable(np.zeros(1), dtype="float64")
optimizer = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)
optimizer.build([p])
optimizer.apply([np.ones(1)], [p])

x = float(p.value[0])
print(x)
assert x == -float(np.float32(0.1)) == -0.10000000149011612  # wanted -0.1
