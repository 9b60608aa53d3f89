"""TorchOpt: the function `torchopt.sgd`, whose state the caller keeps.

The learning rate is a schedule that reads what was set last; the momentum is in the transformation
for good. A run that is loaded has made its transformation anew, as a resumed training has to.
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
    """Whether this is a function of TorchOpt that returns a transformation."""
    return callable(obj) and not isinstance(obj, type) and _shared.comes_from(obj, "torchopt")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `update` and `apply_updates`, neither of them in place."""
    import torch

    from momentum.adapters._torch_tensors import DTYPES

    torch.set_num_threads(1)
    names, values, kept = fitted(obj, 0, fixed, name)
    facts = Facts(
        name=name,
        dtypes=tuple(DTYPES),
        hyper=frozenset(names),
        settable=frozenset(names) & {"lr"},
        fixed=values,
        none_gradients=True,
        offers=frozenset({"resume", "fed", "state_bytes"}),
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        held = {"lr": float(hyper.lr)}
        given = _shared.arguments(hyper, names, values)
        given[names["lr"]] = lambda count: held["lr"]
        return _Run(obj(**given, **kept), held, parameters, dtype)

    return PlainSubject(facts, begin)


class _Run:
    def __init__(
        self, made: Any, held: dict[str, float], parameters: Sequence[Array], dtype: str
    ) -> None:
        from momentum.adapters._torch_tensors import DTYPES, tensor

        self.made, self.held, self.dtype = made, held, DTYPES[dtype]
        self.theta = [tensor(x, self.dtype) for x in parameters]
        self.shapes = [x.shape for x in parameters]
        self.inner = made.init(self.theta)
        self.grads: list[Any] = []

    def step(self, gradients: Sequence[Gradient]) -> None:
        import torchopt

        from momentum.adapters._torch_tensors import tensor

        self.grads = [None if g is None else tensor(g, self.dtype) for g in gradients]
        updates, self.inner = self.made.update(
            self.grads, self.inner, params=self.theta, inplace=False
        )
        self.theta = torchopt.apply_updates(self.theta, updates, inplace=False)

    def parameters(self) -> list[Array]:
        from momentum.adapters._torch_tensors import read

        return [read(i, x, self.shapes[i], self.dtype) for i, x in enumerate(self.theta)]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.held["lr"] = float(hyper.lr)

    def save(self) -> Any:
        import torch
        from torch.utils import _pytree

        copied = _pytree.tree_map_only(torch.Tensor, torch.clone, self.inner)
        return [x.clone() for x in self.theta], copied, dict(self.held)

    def load(self, saved: Any) -> None:
        theta, self.inner, held = saved
        self.theta = list(theta)
        self.held.update(held)

    def fed(self) -> list[Array | None]:
        from momentum.adapters._torch_tensors import array

        return [None if g is None else np.asarray(array(g)) for g in self.grads]

    def state_bytes(self) -> int:
        from momentum.adapters._torch_tensors import tensors_in

        return sum(x.nbytes for x in tensors_in(list(self.inner)))


ADAPTER = Adapter(
    name="TorchOpt",
    takes="a function that returns a transformation",
    module="torchopt",
    distributions={"torchopt": ("torchopt",)},
    extra="torchopt",
    accepts=accepts,
    adapt=adapt,
    speakers=("torchopt",),
)
