"""scikit-learn: the optimizer inside MLPClassifier and MLPRegressor, on plain NumPy arrays."""

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
    """Whether this is a class of that private module."""
    module = "sklearn.neural_network._stochastic_optimizers"
    return isinstance(obj, type) and _shared.comes_from(obj, module)


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject around `SGDOptimizer` or a class with the same methods."""
    names, values, kept = fitted(obj, 1, fixed, name)
    names, kept = _shared.parted(names, values, kept)
    facts = Facts(
        name=name,
        dtypes=("float32", "float64", "float16"),
        hyper=frozenset(names),
        settable=frozenset(names) & {"lr", "momentum"},
        fixed=values,
        offers=frozenset(
            {"resume", "deepcopy", "pickle", "fed", "overwrite", "storage", "state_bytes"}
        ),
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        theta = [np.array(x, dtype=dtype) for x in parameters]
        given = _shared.arguments(hyper, names, values)
        return _Run(theta, obj(theta, **given, **kept), dtype)

    return PlainSubject(facts, begin)


class _Run(_shared.Keeper):
    state = ("theta", "optimizer")

    def __init__(self, theta: list[Any], optimizer: Any, dtype: str) -> None:
        self.theta, self.optimizer, self.dtype = theta, optimizer, dtype
        self.shapes = [x.shape for x in theta]
        self.grads: list[Any] = []

    def step(self, gradients: Sequence[Gradient]) -> None:
        self.grads = [np.array(g, dtype=self.dtype) for g in _shared.complete(gradients)]
        self.optimizer.update_params(self.theta, self.grads)

    def parameters(self) -> list[Array]:
        return _shared.read_all(self.theta, self.dtype, self.shapes)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        # sklearn: the argument is called learning_rate_init, the attribute learning_rate.
        self.optimizer.learning_rate = self.optimizer.learning_rate_init = float(hyper.lr)
        self.optimizer.momentum = float(hyper.momentum)

    def fed(self) -> list[Array]:
        return [g.astype(np.float64) for g in self.grads]

    def overwrite_fed(self) -> None:
        for g in self.grads:
            g.fill(np.nan)

    def storage(self) -> list[Any]:
        return [(id(x), x.ctypes.data) for x in self.theta]

    def state_bytes(self) -> int:
        return sum(v.nbytes for v in self.optimizer.velocities)


ADAPTER = Adapter(
    name="scikit-learn",
    takes="the optimizer class of its networks",
    module="sklearn",
    distributions={"sklearn": ("scikit-learn",)},
    extra="sklearn",
    accepts=accepts,
    adapt=adapt,
    speakers=("sklearn",),
)
