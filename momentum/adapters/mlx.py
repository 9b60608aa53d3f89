"""MLX: an optimizer class, on the CPU, which alone has float64.

MLX keeps a learning rate that is a Python float in float32. A float64 problem sets it as a float64
array, as one has to.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._plain import PlainSubject
from momentum.adapters._signature import fitted
from momentum.conventions import Hyper
from momentum.subject import Array, Facts, Gradient, Subject


def accepts(obj: Any) -> bool:
    """Whether this is an MLX optimizer class."""
    return isinstance(obj, type) and _shared.comes_from(obj, "mlx.optimizers")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `apply_gradients`; a None gradient is left out of the tree."""
    import mlx.core as mx

    mx.set_default_device(mx.cpu)
    names, values, kept = fitted(obj, 0, fixed, name)
    facts = Facts(
        name=name,
        dtypes=("float32", "float64", "float16", "bfloat16"),
        hyper=frozenset(names),
        settable=frozenset(names) - _shared.FLAGS,
        fixed=values,
        none_gradients=True,
        offers=frozenset({"resume", "deepcopy", "pickle", "fed", "state_bytes"}),
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        made = obj(**_shared.arguments(hyper, names, values), **kept)
        run = _Run(parameters, made, dtype, names)
        run.set(hyper)
        return run

    return PlainSubject(facts, begin)


class _Run(_shared.Keeper):
    state = ("theta", "optimizer")

    def __init__(
        self, parameters: Sequence[Array], optimizer: Any, dtype: str, names: Mapping[str, str]
    ) -> None:
        self.optimizer, self.dtype, self.names = optimizer, dtype, names
        self.shapes = [x.shape for x in parameters]
        self.theta = {str(i): _array(x, dtype) for i, x in enumerate(parameters)}
        self.grads: list[Any] = []
        optimizer.init(self.theta)

    def step(self, gradients: Sequence[Gradient]) -> None:
        import mlx.core as mx

        self.grads = [None if g is None else _array(g, self.dtype) for g in gradients]
        tree = {str(i): g for i, g in enumerate(self.grads) if g is not None}
        self.theta |= self.optimizer.apply_gradients(tree, self.theta)
        mx.eval(self.theta, self.optimizer.state)

    def parameters(self) -> list[Array]:
        return [
            _shared.read(i, _numbers(x), x.dtype, self.dtype, self.shapes[i])
            for i, x in enumerate(self.theta.values())
        ]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        for ours, theirs in self.names.items():
            if ours not in _shared.FLAGS:
                value = float(getattr(hyper, ours))
                wide = ours == "lr" and self.dtype == "float64"
                setattr(
                    self.optimizer, theirs, _array(np.array(value), "float64") if wide else value
                )

    def fed(self) -> list[Array | None]:
        return [None if g is None else _numbers(g) for g in self.grads]

    def state_bytes(self) -> int:
        from mlx.utils import tree_flatten

        return sum(int(x.nbytes) for _, x in tree_flatten(self.optimizer.state))


def _array(values: Array, dtype: str) -> Any:
    import mlx.core as mx

    return mx.array(values, dtype=getattr(mx, dtype))


def _numbers(array: Any) -> Array:
    import mlx.core as mx

    return np.array(array.astype(mx.float64))
