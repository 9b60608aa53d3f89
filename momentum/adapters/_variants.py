"""Optimizers of torch in other clothes: compiled, wrapped, or with a convention's own numbers."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

Factory = Callable[..., Any]


def _as_sgd_takes(made: Factory) -> Factory:
    """Called as torch.optim.SGD is, and seen to be."""
    setattr(made, "__signature__", inspect.signature(torch.optim.SGD))  # noqa: B010 - undeclared
    return made


class _Compiled(torch.optim.SGD):
    """torch.optim.SGD whose step runs compiled; rates are tensors, so that they may change."""

    def add_param_group(self, param_group: dict[str, object]) -> None:
        """A group with a rate of its own, which schedules fill."""
        rate = torch.as_tensor(param_group.get("lr", self.defaults["lr"]), dtype=torch.float64)
        super().add_param_group({**param_group, "lr": rate.clone()})

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step."""
        return _compiled_step(self, closure)


# Without the hooks that torch wraps around it when a class is first used: those stand above.
_step: Any = torch.optim.SGD.step
_bare = _step.__wrapped__ if hasattr(_step, "hooked") else _step
_compiled_step: Factory = torch.compile(_bare)


@_as_sgd_takes
def compiled_sgd(params: ParamsT, **rest: Any) -> Optimizer:
    """torch.optim.SGD, its step compiled by torch.compile."""
    return _Compiled(params, **rest)


def _sgd_in(wrapped: Callable[[Optimizer], Optimizer]) -> Factory:
    """torch.optim.SGD, behind what a library wraps around it."""
    return _as_sgd_takes(lambda params, **rest: wrapped(torch.optim.SGD(params, **rest)))


@_sgd_in
def accelerated_sgd(sgd: Optimizer) -> Optimizer:
    """accelerate's AcceleratedOptimizer."""
    return import_module("accelerate").Accelerator(cpu=True).prepare_optimizer(sgd)


@_sgd_in
def fabric_sgd(sgd: Optimizer) -> Optimizer:
    """The wrapper of Lightning Fabric."""
    fabric = import_module("lightning.fabric").Fabric(accelerator="cpu", devices=1)
    return fabric.setup_optimizers(sgd)


@_as_sgd_takes
def zero_redundancy_sgd(params: ParamsT, **rest: float) -> Optimizer:
    """torch.optim.SGD inside ZeroRedundancyOptimizer, in a process group of one."""
    group: Any = import_module("torch.distributed")
    if not group.is_initialized():
        group.init_process_group("gloo", store=group.HashStore(), rank=0, world_size=1)
    made = import_module("torch.distributed.optim").ZeroRedundancyOptimizer
    return made(params, torch.optim.SGD, **rest)


def aggmo(
    params: ParamsT, lr: float, momentum: float = 0.0, weight_decay: float = 0.0
) -> Optimizer:
    """AggMo with a single velocity.

    Source: Lucas, Sun, Zemel and Grosse 2019, Aggregated Momentum: K = 1 is heavy ball.
    """
    return import_module("torch_optimizer").AggMo(
        params, lr, betas=(momentum,), weight_decay=weight_decay
    )


def accsgd(
    params: ParamsT, learning_rate: float, momentum: float, nu: float, weight_decay: float = 0.0
) -> Optimizer:
    """AccSGD with the learning rate, momentum and nu of the quasi-hyperbolic method.

        s = 7/10, b = s (1 - momentum) / (s + momentum), zeta = s / (s + b)
        lr = (1 - nu) learning_rate
        kappa = (s / b) (1 + nu (1 - momentum) / ((1 - nu) (1 - zeta))),  xi = b kappa / s^2

    So z = buffer - x follows z = momentum z + ..., and both move x alike at a constant rate.
    Source: Kidambi et al. 2018, algorithm 1; Ma and Yarats 2019, section 4.
    """
    s = 0.7
    b = s * (1 - momentum) / (s + momentum)
    zeta = s / (s + b)
    kappa = s / b * (1 + nu * (1 - momentum) / ((1 - nu) * (1 - zeta)))
    return import_module("torch_optimizer").AccSGD(
        params,
        (1 - nu) * learning_rate,
        kappa=kappa,
        xi=b * kappa / s**2,
        small_const=s,
        weight_decay=weight_decay,
    )


def bitsandbytes_sgd(
    params: ParamsT,
    lr: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> Optimizer:
    """SGD of bitsandbytes; momentum 0, which its constructor refuses, is set in its groups."""
    made = import_module("bitsandbytes.optim").SGD(
        params, lr, momentum or 0.5, weight_decay=weight_decay, nesterov=nesterov
    )
    for group in made.param_groups:
        group["betas"] = (momentum, group["betas"][1])
    return made


def schedule_free_sgd(
    params: ParamsT, lr: float, momentum: float = 0.0, weight_decay: float = 0.0
) -> Optimizer:
    """SGDScheduleFree in its mode for training, in which parameters are where gradients belong."""
    made = import_module("schedulefree").SGDScheduleFree(
        params, lr, momentum, weight_decay=weight_decay
    )
    made.train()
    return made
