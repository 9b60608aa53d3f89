"""river: `optim.Momentum` and `optim.NesterovMomentum`, on a dict of NumPy arrays."""

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
    """Whether this is an optimizer class of river."""
    return isinstance(obj, type) and _shared.comes_from(obj, "river.optim")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `step`, after `look_ahead` where there is one."""
    names, values, kept = fitted(obj, 0, fixed, name)
    looks = "look_ahead" in vars(obj)
    offers = {"resume", "deepcopy", "pickle", "fed", "overwrite", "storage", "state_bytes"}
    facts = Facts(
        name=name,
        dtypes=("float32", "float64", "float16"),
        hyper=frozenset(names),
        settable=frozenset(names),
        fixed=values,
        none_gradients=not looks,  # river: a step gives back what a look ahead took, or errs
        offers=frozenset(offers | ({"point"} if looks else set())),
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        made = obj(**_shared.arguments(hyper, names, values), **kept)
        return _Run(made, parameters, dtype, names, looks)

    return PlainSubject(facts, begin)


class _Run(_shared.Keeper):
    state = ("theta", "optimizer")

    def __init__(
        self,
        optimizer: Any,
        parameters: Sequence[Array],
        dtype: str,
        names: Mapping[str, str],
        looks: bool,
    ) -> None:
        self.optimizer, self.dtype, self.names, self.looks = optimizer, dtype, names, looks
        self.theta = {i: x.astype(dtype) for i, x in enumerate(parameters)}
        self.shapes = [x.shape for x in parameters]
        self.grads: dict[int, Any] = {}

    def step(self, gradients: Sequence[Gradient]) -> None:
        self.grads = {i: g.astype(self.dtype) for i, g in enumerate(gradients) if g is not None}
        if self.looks:
            self.theta = self.optimizer.look_ahead(self.theta)
        self.theta = self.optimizer.step(self.theta, self.grads)

    def point(self) -> list[Array]:
        """Where the gradient is taken; a copy looks ahead, so that asking changes nothing."""
        if not self.looks:
            return self.parameters()
        ahead = self.optimizer.look_ahead({i: x.copy() for i, x in self.theta.items()})
        return [np.array(x, dtype=np.float64) for x in ahead.values()]

    def parameters(self) -> list[Array]:
        return _shared.read_all(list(self.theta.values()), self.dtype, self.shapes)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        from river.optim.schedulers import Constant

        for ours, theirs in self.names.items():
            value = float(getattr(hyper, ours))
            # river: the rate is a schedule, which its constructor makes of a number.
            setattr(self.optimizer, theirs, Constant(value) if ours == "lr" else value)

    def fed(self) -> list[Array | None]:
        found = [self.grads.get(i) for i in range(len(self.shapes))]
        return [None if g is None else g.astype(np.float64) for g in found]

    def overwrite_fed(self) -> None:
        for g in self.grads.values():
            g.fill(np.nan)

    def storage(self) -> list[Any]:
        return [(id(x), x.ctypes.data) for x in self.theta.values()]

    def state_bytes(self) -> int:
        kept = {name: x for name, x in vars(self.optimizer).items() if isinstance(x, dict)}
        return sum(np.asarray(v).nbytes for held in kept.values() for v in held.values())


ADAPTER = Adapter(
    name="river",
    takes="an optimizer class",
    module="river",
    distributions={"river": ("river",)},
    extra="river",
    accepts=accepts,
    adapt=adapt,
    speakers=("river", "river.momentum"),
)
