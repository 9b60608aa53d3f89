"""Keras 3.15.1 on TensorFlow, SGD: a momentum of 0.9 becomes a float32, in float64 too.

lr = 1/2, momentum = 0.9, g = 1, twice: v = -1/2, -0.95; x = -1/2, -1.45.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np

keras.config.set_floatx("float64")
x = keras.Variable(np.zeros(1), dtype="float64")
optimizer = keras.optimizers.SGD(learning_rate=0.5, momentum=0.9)
optimizer.build([x])
for _ in range(2):
    optimizer.apply([keras.ops.ones(1, dtype="float64")], [x])

got = float(np.asarray(x.value)[0])
print(got, "wanted -1.45")
# float32(0.9) = 0.89999997615814208984375
assert got == -0.5 - 0.5 * (1 + 0.89999997615814208984375) != -1.45
