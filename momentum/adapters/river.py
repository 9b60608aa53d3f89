"""river: `optim.Momentum` and `optim.NesterovMomentum`, on a dict of NumPy arrays."""

import numpy as np

from momentum.adapters import _libraries
from momentum.adapters._declared import DeclaredRun, Stated
from momentum.adapters._record import classes_of, framework
from momentum.adapters._run import IN_PLACE
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array


class _Run(DeclaredRun):
    """It steps through `step`, after `look_ahead` where there is one."""

    of_library = _libraries.numpy
    offers = DeclaredRun.offers | IN_PLACE

    @classmethod
    def claims(cls, obj: object) -> Stated:
        looks = "look_ahead" in vars(obj)
        offers = cls.offers | ({"point"} if looks else set())
        # river: a step gives back what a look ahead took, or errs
        return super().claims(obj) | {"offers": offers, "none_gradients": not looks}

    def begin(self, hyper: Hyper) -> None:
        super().begin(hyper)
        self.takes_none = self.said.facts.none_gradients

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

        for ours, theirs in self.said.names.items():
            value = float(getattr(hyper, ours))
            # river: the rate is a schedule, which its constructor makes of a number.
            setattr(self.optimizer, theirs, Constant(value) if ours == "lr" else value)

    def state_bytes(self) -> int:
        kept = [x for x in vars(self.optimizer).values() if isinstance(x, dict)]
        return sum(np.asarray(v).nbytes for held in kept for v in held.values())


ADAPTER = framework(
    "river",
    accepts=classes_of("river.optim"),
    adapt=_Run.adapt,
    speakers=("river", "river.momentum"),
)
