"""scikit-learn: the optimizer inside MLPClassifier and MLPRegressor, on plain NumPy arrays."""

from collections.abc import Mapping

from momentum.adapters import _libraries
from momentum.adapters._declared import DeclaredRun
from momentum.adapters._record import classes_of, framework
from momentum.adapters._run import IN_PLACE
from momentum.conventions import Hyper


class _Run(DeclaredRun):
    """`SGDOptimizer` or a class with the same methods."""

    of_library = _libraries.numpy
    leading = 1
    # sklearn: learning_rate_init stays what it was; its schedules write learning_rate alone.
    attributes: Mapping[str, str] = {"lr": "learning_rate", "momentum": "momentum"}
    offers = DeclaredRun.offers | IN_PLACE

    def begin(self, hyper: Hyper) -> None:
        self.optimizer = self.said.made(hyper, self.theta)

    def advance(self) -> None:
        self.optimizer.update_params(self.theta, self.grads)

    def state_bytes(self) -> int:
        return sum(v.nbytes for v in self.optimizer.velocities)


ADAPTER = framework(
    "sklearn",
    "scikit-learn",
    takes="the optimizer class of its networks",
    distributions={"sklearn": ("scikit-learn",)},
    accepts=classes_of("sklearn.neural_network._stochastic_optimizers"),
    adapt=_Run.adapt,
)
