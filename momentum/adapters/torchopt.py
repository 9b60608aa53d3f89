"""TorchOpt: the function `torchopt.sgd`, whose state the caller keeps.

The learning rate is a schedule that reads what was set last; the momentum is in the transformation
for good. A run that is loaded has made its transformation anew, as a resumed training has to.
"""

from typing import Any

from momentum.adapters import _libraries, _shared
from momentum.adapters._declared import DeclaredRun
from momentum.adapters._record import framework
from momentum.adapters._run import OF_GRADIENTS
from momentum.conventions import Hyper


def accepts(obj: object) -> bool:
    """Whether this is a function of TorchOpt that returns a transformation."""
    return callable(obj) and not isinstance(obj, type) and _shared.comes_from(obj, "torchopt")


class _Run(DeclaredRun):
    """It steps through `update` and `apply_updates`, neither of them in place."""

    of_library = _libraries.torch
    settable = ("lr",)
    offers = OF_GRADIENTS | {"resume", "state_bytes"}
    takes_none = True

    def begin(self, hyper: Hyper) -> None:
        self.lr = float(hyper.lr)
        given = self.said.arguments(hyper)
        given[self.said.names["lr"]] = lambda count: self.lr
        self.optimizer = self.said.function(**given)
        self.inner = self.optimizer.init(self.theta)

    def advance(self) -> None:
        import torchopt

        updates, self.inner = self.optimizer.update(
            self.grads, self.inner, params=self.theta, inplace=False
        )
        self.theta = torchopt.apply_updates(self.theta, updates, inplace=False)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.lr = float(hyper.lr)

    def save(self) -> object:
        import torch
        from torch.utils import _pytree

        return _pytree.tree_map_only(torch.Tensor, torch.clone, (self.theta, self.inner)), self.lr

    def load(self, saved: Any) -> None:
        (theta, self.inner), self.lr = saved
        self.theta = list(theta)

    def state_bytes(self) -> int:
        from momentum.adapters._torch_tensors import tensors_in

        return sum(x.nbytes for x in tensors_in(list(self.inner)))


ADAPTER = framework(
    "torchopt",
    "TorchOpt",
    takes="a function that returns a transformation",
    accepts=accepts,
    adapt=_Run.adapt,
)
