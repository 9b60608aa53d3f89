"""MLX: an optimizer class, on the CPU, which alone has float64.

MLX keeps a learning rate that is a Python float in float32. A float64 problem sets it as a float64
array, as one has to.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from momentum.adapters import _libraries, _shared
from momentum.adapters._declared import DeclaredRun
from momentum.adapters._record import classes_of, framework
from momentum.conventions import Hyper

if TYPE_CHECKING:
    import mlx.core as mx


class _Run(DeclaredRun):
    """It steps through `apply_gradients`; a None gradient is left out of the tree."""

    of_library = _libraries.mlx
    takes_none = True

    def begin(self, hyper: Hyper) -> None:
        super().begin(hyper)
        self.plain = [n for n in self.said.names if n not in {"lr", *_shared.FLAGS}]
        self.optimizer.init(self._tree(self.theta))
        self.set(hyper)

    def _tree(self, arrays: "Sequence[mx.array | None]") -> "dict[str, mx.array]":
        return {f"p{i}": x for i, x in enumerate(arrays) if x is not None}

    def advance(self) -> None:
        import mlx.core as mx

        theta = self._tree(self.theta)
        theta |= self.optimizer.apply_gradients(self._tree(self.grads), theta)
        self.theta = list(theta.values())
        mx.eval(self.theta, self.optimizer.state)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        lr = float(hyper.lr)
        wide = self.dtype == "float64"
        self.optimizer.learning_rate = self.library.make(np.array(lr), "float64") if wide else lr
        for name in self.plain:
            setattr(self.optimizer, name, float(getattr(hyper, name)))

    def save(self) -> object:
        """All of it in the way of MLX's own trees."""
        import mlx.core as mx
        from mlx.utils import tree_flatten

        tree = tree_flatten({"theta": self.theta, "state": self.optimizer.state})
        others = {n: getattr(self.optimizer, n) for n in self.plain}  # mlx: not in the state
        return [(name, mx.array(x)) for name, x in tree], others

    def load(self, saved: Any) -> None:
        from mlx.utils import tree_unflatten

        tree = tree_unflatten(saved[0])
        self.theta, self.optimizer.state = tree["theta"], tree["state"]
        vars(self.optimizer).update(saved[1])

    def state_bytes(self) -> int:
        from mlx.utils import tree_flatten

        return sum(int(x.nbytes) for _, x in tree_flatten(self.optimizer.state))


ADAPTER = framework("mlx", "MLX", accepts=classes_of("mlx.optimizers"), adapt=_Run.adapt)
