"""Reading a live optimizer: its tensors at some positions, its numbers, its velocity."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from momentum.conventions import Convention, Hyper, get
from momentum.conventions.hyper import FLAGS, NEUTRAL, NUMBERS

Array = NDArray[np.float64]


VELOCITIES = ("momentum_buffer", "v", "velocity", "momentum", "trace", "state1")
"""Names under which optimizers keep a velocity."""


SPEAKERS = {"torch.optim.sgd": "torch", "timm.optim.sgdw": "timm"}
"""Module of an optimizer's class -> whose convention it speaks, for those that are known."""


def convention_of(optimizer: torch.optim.Optimizer) -> Convention:
    """The convention of a known optimizer.

    Raises: ValueError where it is not known.
    """
    for kind in type(optimizer).__mro__:
        if kind.__module__ in SPEAKERS:
            return get(SPEAKERS[kind.__module__])
    own = optimizer.defaults.get("convention")
    if isinstance(own, (str, Convention)):
        return get(own)
    raise ValueError(
        f"the convention of {type(optimizer).__name__} is not known: say which it is meant to"
        ' follow, as in watch(optimizer, "torch")'
    )


def local(p: Tensor) -> Tensor:
    """The part of a parameter that lives on this rank."""
    to_local: Callable[[], Tensor] | None = getattr(p, "to_local", None)
    return p if to_local is None else to_local()


def taken(p: Tensor, positions: Tensor) -> Tensor:
    """The elements of a tensor at these positions of its local part, as float64."""
    here = local(p.detach())
    here = here if here.layout == torch.strided else here.to_dense()
    return torch.take(here, positions).double()


def moved_to_host(parts: list[Tensor]) -> list[Array]:
    """All tensors as arrays on the host; one transfer for each device that they are on."""
    out: list[Array | None] = [None] * len(parts)
    for device in {x.device for x in parts}:
        mine = [i for i, x in enumerate(parts) if x.device == device]
        flat = torch.cat([parts[i].reshape(-1) for i in mine]).cpu().numpy()
        ends = np.cumsum([parts[i].numel() for i in mine])
        for i, piece in zip(mine, np.split(flat, ends[:-1])):
            out[i] = piece
    return [x for x in out if x is not None]


def numbers_of(group: dict[str, Any]) -> list[Tensor]:
    """The numbers of a group as tensors of one element, where they are."""
    values = [group.get(n, NEUTRAL.get(n, 0.0)) for n in NUMBERS]
    return [
        x.detach().double().reshape(-1)[:1] if isinstance(x, Tensor)
        else torch.tensor([0.0 if x is None else float(x)], dtype=torch.float64)
        for x in values
    ]  # fmt: skip


def hyper_of(group: dict[str, Any], numbers: list[float]) -> Hyper:
    """The hyper-parameters of a group, whose numbers were brought to the host."""
    values: dict[str, Any] = dict(zip(NUMBERS, numbers))
    return Hyper(**values, **{n: bool(group.get(n, False)) for n in FLAGS})


def amp_of(optimizer: Any) -> tuple[Tensor, Tensor]:
    """The scale that a fused step divides by, and whether it skips: both are given by a scaler."""
    one, none = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    scale, found = getattr(optimizer, "grad_scale", None), getattr(optimizer, "found_inf", None)
    return (
        one if scale is None else scale.double().reshape(1),
        none if found is None else found.double().reshape(1),
    )


def velocity_of(state: Mapping[str, Any], p: Tensor) -> Tensor | None:
    """The tensor of an optimizer's state that is its velocity."""
    for name in VELOCITIES:
        held = state.get(name)
        if isinstance(held, Tensor) and held.shape == p.shape and held.is_floating_point():
            return held
    return None
