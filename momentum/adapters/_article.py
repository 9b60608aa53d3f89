"""The article's function f(params, states, hyperparams), which changes torch tensors in place."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch

from momentum.adapters import _device, _libraries, _shared
from momentum.adapters._run import COPIES, IN_PLACE, ArrayRun
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Subject


def adapt(function: Callable[..., object], fixed: Mapping[str, object], name: str) -> Subject:
    """A subject whose velocities start as zeros and live in `states`.

    What the function cannot take, as `v[:]` cannot take a scalar, is found by trying.
    Raises: UsageError where anything but lr and momentum is fixed.
    """
    device, fixed = _device.parted(function, fixed, name)
    hyper, others = _shared.divided(fixed)
    stray = (*others, *(n for n in hyper if n not in ("lr", "momentum")))
    if stray:
        raise UsageError(f"{name} takes no {stray[0]!r}: it takes lr, momentum")
    free = frozenset({"lr", "momentum"}) - set(hyper)
    zeros = partial(torch.zeros, device=device)
    facts = Facts(
        name=name,
        dtypes=_libraries.torch().dtypes,
        hyper=free,
        settable=free,
        fixed=hyper,
        offers=COPIES | IN_PLACE,
        scalars=_runs(function, zeros(()), zeros(())),
        empty=_runs(function, zeros(0), zeros(0)),
        none_gradients=_runs(function, zeros(2), None),
    )
    return PlainSubject(facts, partial(_Run, function, hyper, device))


def _runs(function: Callable[..., object], x: torch.Tensor, grad: torch.Tensor | None) -> bool:
    x.requires_grad_().grad = grad
    try:
        function([x], [torch.zeros_like(x)], {"lr": 0.5, "momentum": 0.5})
    except (IndexError, RuntimeError, TypeError, AttributeError):
        return False
    return True


class _Run(ArrayRun):
    state = ("theta", "v", "h")
    takes_none = True

    def __init__(
        self,
        function: Callable[..., object],
        fixed: Mapping[str, object],
        device: str,
        parameters: Sequence[Array],
        hyper: Hyper,
        dtype: str,
    ) -> None:
        super().__init__(_libraries.torch(device), parameters, dtype)
        self.function, self.fixed = function, fixed
        self.theta = [x.requires_grad_() for x in self.theta]
        self.v = [torch.zeros_like(x, requires_grad=False) for x in self.theta]
        self.given: list[Array | None] = []
        self.set(hyper)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        names = {"lr": "lr", "momentum": "momentum"}
        self.h = _shared.arguments(hyper, names, self.fixed)

    def advance(self) -> None:
        self.given = super().fed()
        for x, g in zip(self.theta, self.grads):
            x.grad = g
        self.function(self.theta, self.v, dict(self.h))

    def fed(self) -> list[Array | None]:
        """Cleared gradients count as left alone: the article clears them on purpose."""
        read_back = [None if x.grad is None else self.library.numbers(x.grad) for x in self.theta]
        cleared = all(g is None or not g.any() for g in read_back)
        return list(self.given) if cleared else read_back

    def storage(self) -> list[object]:
        return [x.data_ptr() for x in self.theta]
