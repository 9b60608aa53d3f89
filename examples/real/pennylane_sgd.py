"""MomentumOptimizer and NesterovMomentumOptimizer of PennyLane.

python pennylane_sgd.py MomentumOptimizer
"""

import sys
from pathlib import Path

import numpy as np
import pennylane as qml

sys.path.insert(0, str(Path(__file__).parents[1]))
from speak import serve

KIND = sys.argv[1]


class Run:
    """The optimizer, which asks for gradients at a point of its own where it looks ahead."""

    def __init__(self, parameters, hyper, dtype, shapes):
        self.dtype, self.shapes = dtype, shapes
        self.x = [self._array(x, i) for i, x in enumerate(parameters)]
        self.optimizer = getattr(qml, KIND)(hyper["lr"], hyper["momentum"])

    def _array(self, values, i):
        found = qml.numpy.array(values, dtype=self.dtype, requires_grad=True)
        return found.reshape(self.shapes[i])

    def step(self, gradients):
        given = tuple(self._array(g, i) for i, g in enumerate(gradients))
        self.x = list(self.optimizer.apply_grad(given, self.x))

    def set(self, hyper):
        self.optimizer.stepsize, self.optimizer.momentum = hyper["lr"], hyper["momentum"]

    def parameters(self):
        return [np.ravel(x).astype(float) for x in self.x]


class Ahead(Run):
    """The same with the point at which it evaluates its objective."""

    def point(self):
        seen = []

        def gradient(*shifted):
            seen.extend(shifted)
            return shifted if len(shifted) > 1 else shifted[0]

        self.optimizer.compute_grad(None, tuple(self.x), {}, gradient)
        return [np.ravel(x).astype(float) for x in seen]


ahead = KIND == "NesterovMomentumOptimizer"
serve(
    Ahead if ahead else Run,
    dtypes=["float32", "float64"],
    hyper=["lr", "momentum"],
    settable=["lr", "momentum"],
    offers=["point"] if ahead else [],
    scalars=False,  # they become Python's own floats
)
