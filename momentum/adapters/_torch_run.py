"""What a torch optimizer shares with the program around it: memory, hooks, schedules, settings."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from momentum.adapters._torch_begun import SCHEDULES, cycles
from momentum.adapters._torch_state import Kept
from momentum.adapters._torch_tensors import DTYPES, array
from momentum.adapters._torch_trial import hookable
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient
from momentum.subjects.settings import around_unusual, set_torch, shown, torch_settings


def settings() -> dict[str, object]:
    """What torch has set for the whole process or thread, by name."""
    return {
        "gradient mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "default dtype": torch.get_default_dtype(),
        "default device": torch.get_default_device(),
        "denormal numbers are flushed": bool(torch.tensor(2.0**-140) * 0.5 == 0),
        "threads": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "precision of float32 products": torch.get_float32_matmul_precision(),
        "autocast on the CPU": torch.is_autocast_enabled("cpu"),
        "search for the best convolution": torch.backends.cudnn.benchmark,
        "choice of repeatable convolutions": torch.backends.cudnn.deterministic,
        "use of MKL-DNN": torch.backends.mkldnn.enabled,
        "threads of backward passes": torch._C._is_multithreading_enabled(),
        "repetition of warnings": torch.is_warn_always_enabled(),
        "print options of torch": dict(vars(torch._tensor_str.PRINT_OPTS)),
        "random state of torch": torch.get_rng_state().numpy().tobytes(),
        **shown(),
    }


_AT_FIRST = torch_settings(), bool(settings()["denormal numbers are flushed"])


def restore() -> None:
    """Put back those settings that others depend on, to what they were before any subject."""
    set_torch(*_AT_FIRST)


class TorchRun(Kept):
    """A Run; what it offers beyond `step` is described in OFFERS, method by method."""

    def rebind(self, how: str) -> None:
        if how == "together":
            vector_to_parameters(parameters_to_vector(self.params).detach(), self.params)
        else:
            for p in self.params:
                p.data = p.data.clone()
        self.placed = [p.detach() for p in self.params]

    def regroup(self) -> None:
        new = {p: torch.nn.Parameter(p.detach().clone()) for p in self.params}  # by identity
        for group in self.optimizer.param_groups:
            group["params"] = [new[p] for p in group["params"]]
        self.params = list(new.values())
        self.placed = [p.detach() for p in self.params]

    def recast(self, dtype: str) -> None:
        holder = torch.nn.ParameterList(self.params)
        holder.to(DTYPES[dtype])
        self.params = list(holder)
        self.dtypes = [DTYPES[dtype]] * len(self.params)
        self.placed = [p.detach() for p in self.params]

    def replace_rates(self) -> None:
        for group in self.optimizer.param_groups:
            for name, value in group.items():
                if isinstance(value, Tensor) and name != "params":
                    group[name] = value.detach().clone()

    def zero_grad(self, to_none: bool) -> None:
        self.optimizer.zero_grad(set_to_none=to_none)

    def glances(self) -> dict[str, Callable[[], object]]:
        optimizer = self.optimizer

        def hooked() -> None:
            for when in ("pre", "post"):
                getattr(optimizer, f"register_step_{when}_hook")(lambda *_: None).remove()

        return {
            "repr": lambda: repr(optimizer),
            "a look at its groups and state": lambda: (
                [dict(group) for group in optimizer.param_groups],
                dict(optimizer.state),
            ),
        } | ({"a hook put on and taken off": hooked} if hookable(optimizer) else {})

    def hooked_step(
        self, gradients: Sequence[Gradient], closure: bool = False
    ) -> list[tuple[str, list[Array]]]:
        seen: list[tuple[str, list[Array]]] = []

        def hook(name: str) -> Callable[..., None]:
            return lambda *_: seen.append((name, [array(p) for p in self.params]))

        handles = [
            self.optimizer.register_step_pre_hook(hook("before")),
            self.optimizer.register_step_post_hook(hook("after")),
        ]
        try:
            (self.step_closure if closure else self.step)(gradients)
        finally:
            for handle in handles:
                handle.remove()
        return seen

    def versions(self) -> list[int]:
        return [p._version for p in self.params]

    def slopes(self) -> list[list[Array]]:
        fed = [g for row in self.tape for g in row if g is not None]
        found = torch.autograd.grad(self._total(), fed, allow_unused=True)
        told = iter(np.zeros(tuple(g.shape)) if d is None else array(d) for g, d in zip(fed, found))
        return [[next(told) for _ in row] for row in self.tape]

    def rate_slope(self) -> float:
        name = next(iter(self.named(self.begun[0])))
        rate: Tensor = self.optimizer.param_groups[0][name]
        (found,) = torch.autograd.grad(self._total(), [rate], allow_unused=True)
        return 0.0 if found is None else float(found)

    def _total(self) -> Tensor:
        return torch.stack([p.sum().double() for p in self.params]).sum()

    def unusual_step(
        self, gradients: Sequence[Gradient]
    ) -> tuple[dict[str, object], dict[str, object]]:
        with torch.no_grad():
            return around_unusual(partial(self.step, gradients), settings)

    def schedules(self, steps: int) -> dict[str, list[list[Hyper]]]:
        """What each sets on a stock optimizer, whose rates nothing else touches."""
        found = {}
        for schedule, make in SCHEDULES.items():
            groups: list[dict[str, Any]] = [
                {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": h.lr, "momentum": h.momentum}
                for h in self.begun
            ]
            stock = torch.optim.SGD(groups, lr=0.1)
            if not cycles(self.optimizer.defaults):
                del stock.defaults["momentum"]
            scheduler, rows = make(stock), []
            for _ in range(steps):
                set_ = [(float(g["lr"]), float(g["momentum"])) for g in stock.param_groups]
                rows.append([h._replace(lr=r, momentum=m) for h, (r, m) in zip(self.begun, set_)])
                stock.step()
                scheduler.step()
            found[schedule] = rows
        return found

    settings, restore = staticmethod(settings), staticmethod(restore)
