"""TorchOpt: the function `torchopt.sgd`, whose state the caller keeps.

The learning rate is a schedule that reads what was set last; the momentum is in the transformation
for good. A run that is loaded has made its transformation anew, as a resumed training has to.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from momentum.adapters import _libraries, _shared
from momentum.adapters._record import framework
from momentum.adapters._run import ArrayRun
from momentum.adapters._signature import Declared, declared
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Subject


def accepts(obj: Any) -> bool:
    """Whether this is a function of TorchOpt that returns a transformation."""
    return callable(obj) and not isinstance(obj, type) and _shared.comes_from(obj, "torchopt")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `update` and `apply_updates`, neither of them in place."""
    said = declared(
        obj,
        0,
        fixed,
        name,
        ("lr",),
        dtypes=_libraries.torch().dtypes,
        none_gradients=True,
        offers=frozenset({"resume", "fed", "state_bytes"}),
    )
    return PlainSubject(said.facts, partial(_Run, said))


class _Run(ArrayRun):
    takes_none = True

    def __init__(
        self, said: Declared, parameters: Sequence[Array], hyper: Hyper, dtype: str
    ) -> None:
        super().__init__(_libraries.torch(), parameters, dtype)
        self.lr = float(hyper.lr)
        given = said.arguments(hyper)
        given[said.names["lr"]] = lambda count: self.lr
        self.optimizer = said.function(**given)
        self.inner = self.optimizer.init(self.theta)

    def advance(self) -> None:
        import torchopt

        updates, self.inner = self.optimizer.update(
            self.grads, self.inner, params=self.theta, inplace=False
        )
        self.theta = torchopt.apply_updates(self.theta, updates, inplace=False)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.lr = float(hyper.lr)

    def save(self) -> Any:
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
    adapt=adapt,
)
