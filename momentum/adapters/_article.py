"""The article's function f(params, states, hyperparams), which changes torch tensors in place."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from momentum.adapters import _shared
from momentum.adapters._torch_tensors import DTYPES, array, read, tensor
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Gradient, Subject

_OFFERS = frozenset({"resume", "deepcopy", "pickle", "fed", "overwrite", "storage"})


def adapt(function: Callable[..., Any], fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject whose velocities start as zeros and live in `states`.

    What the function cannot take, as `v[:]` cannot take a scalar, is found by trying.
    Raises: UsageError where anything but lr and momentum is fixed.
    """
    torch.set_num_threads(1)  # the same rounding in every run
    hyper, others = _shared.divided(fixed)
    stray = (*others, *(n for n in hyper if n not in ("lr", "momentum")))
    if stray:
        raise UsageError(f"{name} takes no {stray[0]!r}: it takes lr, momentum")
    free = frozenset({"lr", "momentum"}) - set(hyper)
    facts = Facts(
        name=name,
        dtypes=tuple(DTYPES),
        hyper=free,
        settable=free,
        fixed=hyper,
        offers=_OFFERS,
        scalars=_runs(function, torch.zeros(()), torch.zeros(())),
        empty=_runs(function, torch.zeros(0), torch.zeros(0)),
        none_gradients=_runs(function, torch.zeros(2), None),
    )
    return _Article(function, facts)


def _runs(function: Callable[..., Any], x: torch.Tensor, grad: torch.Tensor | None) -> bool:
    x.requires_grad_().grad = grad
    try:
        function([x], [torch.zeros_like(x)], {"lr": 0.5, "momentum": 0.5})
    except (IndexError, RuntimeError, TypeError, AttributeError):
        return False
    return True


class _Article:
    def __init__(self, function: Callable[..., Any], facts: Facts) -> None:
        self.function, self.facts = function, facts

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> "_Run":
        _shared.no_options(options)
        return _Run(self, parameters, hypers[0], DTYPES[dtype])


class _Run(_shared.Keeper):
    state = ("theta", "v", "h")

    def __init__(
        self, subject: _Article, parameters: Sequence[Array], h: Hyper, dtype: torch.dtype
    ) -> None:
        self.subject, self.dtype = subject, dtype
        self.theta = [tensor(x, dtype).requires_grad_() for x in parameters]
        self.v = [torch.zeros_like(x, requires_grad=False) for x in self.theta]
        self.shapes = [x.shape for x in parameters]
        self.given: list[Array | None] = []
        self.set(h)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        names = {"lr": "lr", "momentum": "momentum"}
        self.h = _shared.arguments(hyper, names, self.subject.facts.fixed)

    def step(self, gradients: Sequence[Gradient]) -> None:
        self.given = [None if g is None else g.copy() for g in gradients]
        for x, g in zip(self.theta, gradients):
            x.grad = None if g is None else tensor(g, self.dtype)
        self.grads = [x.grad for x in self.theta]
        self.subject.function(self.theta, self.v, dict(self.h))

    def parameters(self) -> list[Array]:
        return [read(i, x, s, self.dtype) for i, (x, s) in enumerate(zip(self.theta, self.shapes))]

    def fed(self) -> list[Array | None]:
        """Cleared gradients count as left alone: the article clears them on purpose."""
        read_back = [None if x.grad is None else array(x.grad) for x in self.theta]
        cleared = all(g is None or not g.any() for g in read_back)
        return list(self.given) if cleared else read_back

    def overwrite_fed(self) -> None:
        for g in self.grads:
            if g is not None:
                g.detach().fill_(float("nan"))

    def storage(self) -> list[Any]:
        return [x.data_ptr() for x in self.theta]
