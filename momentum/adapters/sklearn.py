"""scikit-learn: the optimizer inside MLPClassifier and MLPRegressor, on plain NumPy arrays."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from momentum.adapters import _libraries
from momentum.adapters._record import classes_of, framework
from momentum.adapters._run import COPIES, IN_PLACE, ArrayRun
from momentum.adapters._signature import Declared, declared
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Subject


def adapt(obj: type, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject around `SGDOptimizer` or a class with the same methods."""
    offers = COPIES | IN_PLACE | {"state_bytes"}
    dtypes = _libraries.numpy().dtypes
    said = declared(obj, 1, fixed, name, ("lr", "momentum"), dtypes=dtypes, offers=offers)
    return PlainSubject(said.facts, partial(_Run, said))


class _Run(ArrayRun):
    def __init__(
        self, said: Declared, parameters: Sequence[Array], hyper: Hyper, dtype: str
    ) -> None:
        super().__init__(_libraries.numpy(), parameters, dtype)
        self.optimizer = said.made(hyper, self.theta)

    def advance(self) -> None:
        self.optimizer.update_params(self.theta, self.grads)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        # sklearn: the argument is called learning_rate_init, the attribute learning_rate.
        self.optimizer.learning_rate = self.optimizer.learning_rate_init = float(hyper.lr)
        self.optimizer.momentum = float(hyper.momentum)

    def state_bytes(self) -> int:
        return sum(v.nbytes for v in self.optimizer.velocities)


ADAPTER = framework(
    "sklearn",
    "scikit-learn",
    takes="the optimizer class of its networks",
    distributions={"sklearn": ("scikit-learn",)},
    accepts=classes_of("sklearn.neural_network._stochastic_optimizers"),
    adapt=adapt,
)
