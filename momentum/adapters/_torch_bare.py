"""A torch optimizer that has nothing of its own: what a check finds in it, its base class does."""

from collections.abc import Callable, Iterable

import torch

from momentum.conventions import Convention, Hyper


class Bare(torch.optim.Optimizer):
    """The rule of a convention, parameter by parameter, on torch's own base class."""

    def __init__(
        self,
        params: Iterable[torch.Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
        nu: float = 1.0,
        *,
        convention: Convention,
    ) -> None:
        self.convention = convention
        h = Hyper(lr, momentum, dampening, weight_decay, nesterov, maximize, nu)
        super().__init__(params, h._asdict())

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch: two overloads
        """One step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            h = Hyper(**{name: group[name] for name in Hyper._fields})
            for p in (p for p in group["params"] if p.grad is not None):
                kept, state = self.state[p], self.convention.initial
                state = type(state)(**kept) if kept else state
                moved, state = self.convention.step(p.clone(), p.grad, state, h)
                p.copy_(moved)
                kept.update(state._asdict())
        return loss
