"""Momentum and MomentumNesterov of BrainPy. Its decay does not follow the rate, and is left out.

python brainpy_sgd.py Momentum
"""

import sys
from pathlib import Path

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from speak import serve

KIND = sys.argv[1]
bm.enable_x64()


class Run:
    """The optimizer over variables by name."""

    def __init__(self, parameters, hyper, dtype, shapes):
        self.dtype, self.shapes = dtype, shapes
        self.x = {str(i): bm.Variable(self._array(x, i)) for i, x in enumerate(parameters)}
        self.optimizer = getattr(bp.optim, KIND)(
            lr=hyper["lr"], train_vars=self.x, momentum=hyper["momentum"]
        )

    def _array(self, values, i):
        return jnp.array(values, self.dtype).reshape(self.shapes[i])

    def step(self, gradients):
        self.optimizer.update({str(i): self._array(g, i) for i, g in enumerate(gradients)})

    def set(self, hyper):
        self.optimizer.lr.set_value(hyper["lr"])
        self.optimizer.momentum = hyper["momentum"]

    def parameters(self):
        return [np.asarray(x.value).ravel().astype(float) for x in self.x.values()]


serve(
    Run,
    dtypes=["float32", "float64"],
    hyper=["lr", "momentum"],
    settable=["lr", "momentum"],
    fixed={"nesterov": True} if KIND == "MomentumNesterov" else {},
    flushes_subnormals=True,
)
