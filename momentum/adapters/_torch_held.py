"""What the parts of a torch run share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from momentum.conventions import Hyper


@dataclass(frozen=True)
class Asked:
    """The options of `start`, each described in OFFERS."""

    scheduler: Sequence[float] = ()
    schedule: str = ""
    tensor_lr: bool = False
    layout: str = "contiguous"
    dtypes: Sequence[str] = ()
    names: Sequence[str] = ()
    complex: bool = False
    differentiable: bool = False
    generator: bool = False
    integers: bool = False


class Held:
    """One live optimizer, its parameters, and what it was started with.

    named: hyper-parameters to keyword arguments by the optimizer's own names. placed: the
    parameters' memory. begun: hyper-parameters of each group; members: the group of each parameter.
    tape: gradients of each step, where steps are recorded. device: of all tensors.
    """

    asked: Asked
    device: str
    named: Callable[[Hyper], dict[str, Any]]
    optimizer: torch.optim.Optimizer
    params: list[torch.nn.Parameter]
    placed: list[Tensor]
    dtypes: list[torch.dtype]
    begun: list[Hyper]
    members: list[int]
    fed_tensors: list[Tensor | None]
    tape: list[list[Tensor | None]]
    scheduler: Any
    scaler: Any
