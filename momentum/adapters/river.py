"""river: `optim.Momentum` and `optim.NesterovMomentum`, on a dict of NumPy arrays."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from momentum.adapters import _libraries
from momentum.adapters._record import classes_of, framework
from momentum.adapters._run import COPIES, IN_PLACE, ArrayRun
from momentum.adapters._signature import Declared, declared
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Subject


def adapt(obj: type, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `step`, after `look_ahead` where there is one."""
    looks = "look_ahead" in vars(obj)
    said = declared(
        obj,
        0,
        fixed,
        name,
        dtypes=_libraries.numpy().dtypes,
        none_gradients=not looks,  # river: a step gives back what a look ahead took, or errs
        offers=COPIES | IN_PLACE | {"state_bytes"} | ({"point"} if looks else set()),
    )
    return PlainSubject(said.facts, partial(_Run, said))


class _Run(ArrayRun):
    def __init__(
        self, said: Declared, parameters: Sequence[Array], hyper: Hyper, dtype: str
    ) -> None:
        super().__init__(_libraries.numpy(), parameters, dtype)
        self.optimizer, self.names = said.made(hyper), said.names
        self.takes_none = said.facts.none_gradients

    def advance(self) -> None:
        theta = dict(enumerate(self.theta))
        if not self.takes_none:
            theta = self.optimizer.look_ahead(theta)
        given = {i: g for i, g in enumerate(self.grads) if g is not None}
        self.theta = list(self.optimizer.step(theta, given).values())

    def point(self) -> list[Array]:
        """Where the gradient is taken; a copy looks ahead, so that asking changes nothing."""
        ahead = self.optimizer.look_ahead({i: x.copy() for i, x in enumerate(self.theta)})
        return [np.array(x, dtype=np.float64) for x in ahead.values()]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        from river.optim.schedulers import Constant

        for ours, theirs in self.names.items():
            value = float(getattr(hyper, ours))
            # river: the rate is a schedule, which its constructor makes of a number.
            setattr(self.optimizer, theirs, Constant(value) if ours == "lr" else value)

    def state_bytes(self) -> int:
        kept = [x for x in vars(self.optimizer).values() if isinstance(x, dict)]
        return sum(np.asarray(v).nbytes for held in kept for v in held.values())


ADAPTER = framework(
    "river",
    accepts=classes_of("river.optim"),
    adapt=adapt,
    speakers=("river", "river.momentum"),
)
