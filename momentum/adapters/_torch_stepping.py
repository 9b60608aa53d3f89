"""The ways to step a torch optimizer, and what became of the gradients."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from momentum.adapters._torch_begun import Begun
from momentum.adapters._torch_tensors import array, gaps, sparse, tensor
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient, Raised


@contextmanager
def unwritten_memory_is_nan() -> Iterator[None]:
    """What torch.empty gives out shows, and shows the same every time.

    Source: torch.utils.deterministic.fill_uninitialized_memory.
    """
    on = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(on, warn_only=warn_only)


class Stepping(Begun):
    """The part of a run that feeds gradients; each method is described in OFFERS."""

    def _feed(self, tensors: Sequence[Tensor | None]) -> None:
        self.fed_tensors = list(tensors)
        for p, g in zip(self.params, tensors):
            p.grad = g

    def _tensors(self, gradients: Sequence[Gradient], scale: float = 1.0) -> list[Tensor | None]:
        made = [
            None
            if g is None
            else tensor(g * scale, self.dtypes[i], self._layout(i, False), self.device)
            for i, g in enumerate(gradients)
        ]
        if self.asked.complex:
            made = [None if g is None else torch.view_as_complex(g) for g in made]
        if self.asked.differentiable:
            made = [None if g is None else g.requires_grad_() for g in made]
            self.tape.append(made)
        return made

    def _stepped(self) -> None:
        if self.scheduler is not None:
            self.scheduler.step()

    def step(self, gradients: Sequence[Gradient]) -> None:
        self._feed(self._tensors(gradients))
        self.optimizer.step()
        self._stepped()

    def refill(self, gradients: Sequence[Gradient]) -> None:
        for i, (p, g) in enumerate(zip(self.params, self._tensors(gradients))):
            if p.grad is None or g is None:
                p.grad = g
            else:
                p.grad.copy_(g)
            self.fed_tensors[i] = p.grad
        self.optimizer.step()

    def again(self) -> None:
        self.optimizer.step()

    def step_one(self, gradient: Array) -> None:
        self._feed(self._tensors([gradient])[:1] * len(self.params))
        self.optimizer.step()

    def unwritten_step(self, gradients: Sequence[Gradient]) -> None:
        with unwritten_memory_is_nan():
            self.step(gradients)

    def step_sparse(self, gradients: Sequence[Gradient]) -> None:
        self._feed(
            [
                None if g is None else sparse(g, d, self.device)
                for g, d in zip(gradients, self.dtypes)
            ]
        )
        self.optimizer.step()

    def freeze(self, i: int, frozen: bool) -> None:
        records = self.optimizer.defaults.get("differentiable")  # then none asks for gradients
        self.params[i].requires_grad_(not frozen and not records)

    def step_closure(
        self, gradients: Sequence[Gradient], hypers: Sequence[Hyper] = ()
    ) -> tuple[float | None, float | None, int]:
        """Gradients come from the backward pass of sum(parameter x gradient), which is exact."""
        factors = self._tensors(gradients)
        losses: list[float] = []

        def closure() -> Tensor:
            for g, h in enumerate(hypers):
                self.set(h, g)
            self.optimizer.zero_grad()
            pairs = [(p, g) for p, g in zip(self.params, factors) if g is not None]
            terms = [(p * g).sum().double() for p, g in pairs]
            loss = torch.stack(terms).sum() if terms else torch.zeros(())
            if any(p.requires_grad for p, _ in pairs):  # an error where gradients are switched off
                loss.backward()  # type: ignore[no-untyped-call]  # torch ships it so
            elif terms:
                self._feed([None if g is None else g.clone() for g in factors])
            losses.append(float(loss.detach()))
            return loss.detach()

        returned = self.optimizer.step(closure)  # type: ignore[arg-type]  # wants float, takes tensors
        self._stepped()
        value = None if returned is None else float(returned)
        return value, losses[-1] if losses else None, len(losses)

    def raising_step(self) -> bool:
        def closure() -> Tensor:
            raise Raised

        try:
            self.optimizer.step(closure)  # type: ignore[arg-type]  # wants float, takes tensors
        except Raised:
            return True
        return False

    def scaled_step(self, gradients: Sequence[Gradient], scale: float) -> bool:
        if self.scaler is None:
            self.scaler = torch.amp.GradScaler(self.device.partition(":")[0], init_scale=scale)
            self.scaler.scale(torch.zeros(1, device=self.device))
        elif self.scaler.get_scale() != scale:
            self.scaler.update(scale)
        self._feed(self._tensors(gradients, scale))
        with unwritten_memory_is_nan():
            self.scaler.step(self.optimizer)
        self.scaler.update()
        return bool(self.scaler.get_scale() < scale)

    def fed(self) -> list[Array | None]:
        return [None if p.grad is None else array(p.grad) for p in self.params]

    def overwrite_fed(self) -> None:
        for g in self.fed_tensors:
            if g is not None:
                torch.as_strided(g.detach(), g.shape, g.stride()).fill_(float("nan"))

    def surroundings(self) -> list[Array]:
        return [gaps(x) for x in (*self.placed, *self.fed_tensors) if x is not None]
