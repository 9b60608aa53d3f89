"""The optimizers SGD and NAG of MXNet 1.9.1, which needs Python 3.8 and NumPy before 1.24.

python mxnet_sgd.py SGD, or NAG.
"""

import sys
from pathlib import Path

import mxnet as mx

sys.path.insert(0, str(Path(__file__).parents[1]))
from speak import serve

KIND = sys.argv[1]


class Run:
    """The optimizer as a Trainer uses it: state and update by index."""

    def __init__(self, parameters, hyper, dtype, shapes):
        self.dtype, self.shapes = dtype, shapes
        self.weights = [self._array(x, i) for i, x in enumerate(parameters)]
        self.optimizer = getattr(mx.optimizer, KIND)(
            momentum=hyper["momentum"], learning_rate=hyper["lr"], wd=hyper["weight_decay"]
        )
        make = self.optimizer.create_state_multi_precision
        self.states = [make(i, x) for i, x in enumerate(self.weights)]

    def _array(self, values, i):
        return mx.nd.array(values, dtype=self.dtype).reshape(self.shapes[i])

    def step(self, gradients):
        for i, g in enumerate(gradients):
            if g is not None:
                weight, state = self.weights[i], self.states[i]
                self.optimizer.update_multi_precision(i, weight, self._array(g, i), state)

    def set(self, hyper):
        self.optimizer.set_learning_rate(hyper["lr"])
        self.optimizer.momentum, self.optimizer.wd = hyper["momentum"], hyper["weight_decay"]

    def parameters(self):
        return [x.asnumpy().ravel().astype("float64") for x in self.weights]


serve(
    Run,
    dtypes=["float32", "float64", "float16"],
    hyper=["lr", "momentum", "weight_decay"],
    settable=["lr", "weight_decay"],  # a momentum that begins at 0 has no state
    fixed={"nesterov": True} if KIND == "NAG" else {},
    none_gradients=True,
    scalars=False,
    empty=False,
)
