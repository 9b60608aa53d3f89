"""SGD of numpy-ml 0.1.2, which needs Python before 3.10."""

import sys
from pathlib import Path

import numpy as np
from numpy_ml.neural_nets.optimizers import SGD

sys.path.insert(0, str(Path(__file__).parents[1]))
from speak import serve


class Run:
    """One optimizer for all parameters, which it knows by name."""

    def __init__(self, parameters, hyper, dtype, shapes):
        self.dtype, self.shapes = dtype, shapes
        self.x = [self._array(x, i) for i, x in enumerate(parameters)]
        self.optimizer = SGD(lr=hyper["lr"], momentum=hyper["momentum"])

    def _array(self, values, i):
        return np.array(values, self.dtype).reshape(self.shapes[i])

    def step(self, gradients):
        for i, g in enumerate(gradients):
            if g is not None:
                self.x[i] = self.optimizer.update(self.x[i], self._array(g, i), str(i))
        self.optimizer.step()

    def set(self, hyper):
        self.optimizer.lr_scheduler.lr = hyper["lr"]
        self.optimizer.hyperparameters["momentum"] = hyper["momentum"]

    def parameters(self):
        return [np.ravel(x).astype(float) for x in self.x]


serve(
    Run,
    dtypes=["float32", "float64"],
    hyper=["lr", "momentum"],
    settable=["lr", "momentum"],
    none_gradients=True,
    scalars=False,
)
