"""MLX: an optimizer class, on the CPU, which alone has float64.

MLX keeps a learning rate that is a Python float in float32. A float64 problem sets it as a float64
array, as one has to.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Gradient, Subject


def accepts(obj: Any) -> bool:
    """Whether this is an MLX optimizer class."""
    return isinstance(obj, type) and _shared.comes_from(obj, "mlx.optimizers")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `apply_gradients`; a None gradient is left out of the tree."""
    import mlx.core as mx

    mx.set_default_device(mx.cpu)
    names, values, kept = fitted(obj, 0, fixed, name)
    names, kept = _shared.parted(names, values, kept)
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
    state = ("theta", "optimizer")  # of duplicates; what is saved goes the way of MLX's own trees

    def __init__(
        self, parameters: Sequence[Array], optimizer: Any, dtype: str, names: Mapping[str, str]
    ) -> None:
        self.optimizer, self.dtype, self.wide = optimizer, dtype, dtype == "float64"
        self.numbers = [n for n in names if n not in {"lr", *_shared.FLAGS}]
        self.shapes = [x.shape for x in parameters]
        self.theta = {f"p{i}": _array(x, dtype) for i, x in enumerate(parameters)}
        self.grads: list[Any] = []
        optimizer.init(self.theta)

    def step(self, gradients: Sequence[Gradient]) -> None:
        import mlx.core as mx

        self.grads = [None if g is None else _array(g, self.dtype) for g in gradients]
        tree = {f"p{i}": g for i, g in enumerate(self.grads) if g is not None}
        self.theta |= self.optimizer.apply_gradients(tree, self.theta)
        mx.eval(self.theta, self.optimizer.state)

    def parameters(self) -> list[Array]:
        return [
            _shared.read(i, _numbers(x), x.dtype, self.dtype, self.shapes[i])
            for i, x in enumerate(self.theta.values())
        ]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        lr = np.array(float(hyper.lr))
        self.optimizer.learning_rate = _array(lr, "float64") if self.wide else float(lr)
        for name in self.numbers:
            setattr(self.optimizer, name, float(getattr(hyper, name)))

    def save(self) -> Any:
        import mlx.core as mx
        from mlx.utils import tree_flatten

        tree = tree_flatten({"theta": self.theta, "state": self.optimizer.state})
        others = {n: getattr(self.optimizer, n) for n in self.numbers}  # mlx: not in the state
        return [(name, mx.array(x)) for name, x in tree], others

    def load(self, saved: Any) -> None:
        from mlx.utils import tree_unflatten

        tree = tree_unflatten(saved[0])
        self.theta, self.optimizer.state = tree["theta"], tree["state"]
        vars(self.optimizer).update(saved[1])

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


ADAPTER = Adapter(
    name="MLX",
    takes="an optimizer class",
    module="mlx",
    distributions={"mlx": ("mlx",)},
    extra="mlx",
    accepts=accepts,
    adapt=adapt,
    speakers=("mlx",),
)
