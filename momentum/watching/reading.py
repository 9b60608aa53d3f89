"""Reading a live optimizer: its tensors at some positions, its numbers, its velocity."""

import gc
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from momentum.conventions import Convention, get
from momentum.conventions.hyper import FLAGS, NEUTRAL, NUMBERS

Option = float | Tensor

VELOCITIES = ("momentum_buffer", "v", "velocity", "momentum", "trace", "state1")
"""Names under which optimizers keep a velocity."""

SPEAKERS = {"torch.optim.sgd.SGD": "torch", "timm.optim.sgdw.SGDW": "timm"}
"""Class of an optimizer -> whose convention it speaks, for those that are known."""


def unwrapped(optimizer: object) -> torch.optim.Optimizer:
    """The optimizer that takes the steps, within those that wrap it.

    Raises: ValueError for what is no torch optimizer.
    """
    # torch: ZeroRedundancyOptimizer.optim; accelerate, Lightning: .optimizer
    for name in ("optim", "optimizer"):
        inner = getattr(optimizer, name, None)
        if isinstance(inner, torch.optim.Optimizer):
            return unwrapped(inner)
    if isinstance(optimizer, torch.optim.Optimizer):
        return optimizer
    raise ValueError(f"a torch optimizer can be watched, got {type(optimizer).__name__}")


def convention_of(optimizer: torch.optim.Optimizer) -> Convention:
    """The convention of a known optimizer.

    Raises: ValueError where it is not known: a class that nothing is known of, or a subclass
    with options of its own, which says that its rule is another.
    """
    name = type(optimizer).__name__
    for kind in type(optimizer).__mro__:
        speaker = SPEAKERS.get(f"{kind.__module__}.{kind.__qualname__}")
        if speaker is not None:
            own = optimizer.defaults.keys() - inspect.signature(kind).parameters.keys()
            if kind is type(optimizer) or not own:
                return get(speaker)
            name = f"{name}, which has {', '.join(sorted(own))} beside {kind.__name__}'s options,"
            break
    said = optimizer.defaults.get("convention")
    if isinstance(said, (str, Convention)):
        return get(said)
    raise ValueError(
        f"the convention of {name} is not known: say which it is meant to follow, as in"
        ' watch(optimizer, "torch")'
    )


def local(p: Tensor) -> Tensor:
    """The part of a tensor that lives on this rank, complex numbers as pairs."""
    to_local: Callable[[], Tensor] | None = getattr(p, "to_local", None)
    here = p.detach() if to_local is None else to_local().detach()
    return torch.view_as_real(here.resolve_conj()) if here.is_complex() else here


def coordinate(p: Tensor, index: int) -> tuple[int, ...]:
    """Where an element of the local part stands in the whole parameter."""
    shape = tuple(local(p).shape)
    place = [int(i) for i in np.unravel_index(index, shape)] if shape else []
    for dim, placement in enumerate(getattr(p, "placements", ())):
        if placement.is_shard():
            mesh = p.device_mesh  # type: ignore[attr-defined]
            width = -(-p.shape[placement.dim] // mesh.size(dim))  # as torch.chunk cuts
            place[placement.dim] += width * mesh.get_local_rank(dim)
    return tuple(place)


def taken(p: Tensor, positions: Tensor | None) -> Tensor:
    """A copy of the elements at these positions of the local part; of all of them without."""
    here = local(p)
    here = here if here.layout == torch.strided else here.to_dense()
    if not here.is_contiguous():
        here = here.contiguous() if positions is None else torch.take(here, positions)
        return here.reshape(-1)
    flat = here.view(-1)
    return flat.clone() if positions is None else flat.index_select(0, positions)


def moved_to_host(parts: Sequence[Tensor]) -> list[NDArray[np.floating]]:
    """All tensors as flat arrays on the host; one transfer for each device that they are on."""
    out: list[Any] = [None] * len(parts)
    for device in {x.device for x in parts}:
        mine = [i for i, x in enumerate(parts) if x.device == device]
        # float32 holds every narrower format exactly
        fine = any(parts[i].dtype == torch.float64 for i in mine)
        common = torch.float64 if fine else torch.float32
        flat = torch.cat([parts[i].reshape(-1).to(common) for i in mine]).cpu().numpy()
        ends = np.cumsum([parts[i].numel() for i in mine])
        for i, piece in zip(mine, np.split(flat, ends[:-1])):
            out[i] = piece
    return out


def options_of(group: Mapping[str, Any]) -> dict[str, Option]:
    """The hyper-parameters of a group by name; tensors are copied, and stay where they are."""
    numbers = {n: group.get(n, NEUTRAL.get(n, 0.0)) for n in NUMBERS}
    found: dict[str, Option] = {
        n: x.detach().clone().reshape(1) if isinstance(x, Tensor) else float(x or 0.0)
        for n, x in numbers.items()
    }
    if (
        "convention" not in group
        and not isinstance(found["momentum"], Tensor)
        and not found["momentum"]
    ):
        found["dampening"] = 0.0  # torch: without momentum nothing is dampened
    return found | {n: bool(group.get(n, False)) for n in FLAGS}


def amp_of(optimizer: object) -> tuple[Option, Option]:
    """The scale that a fused step divides by, and whether it skips: both are given by a scaler."""
    scale, skips = getattr(optimizer, "grad_scale", None), getattr(optimizer, "found_inf", None)
    return (
        1.0 if scale is None else scale.detach().clone().reshape(1),
        0.0 if skips is None else skips.detach().clone().reshape(1),
    )


def velocity_of(state: Mapping[str, object], p: Tensor, name: str | None = None) -> Tensor | None:
    """The tensor of an optimizer's state that is its velocity, under the usual names or this one.

    Raises: ValueError where there is a state like the parameter, and none is known as velocity.
    """
    for known in VELOCITIES if name is None else (name,):
        held = state.get(known)
        if isinstance(held, Tensor) and held.shape == p.shape:
            return held
    others = [
        n for n, x in state.items() if isinstance(x, Tensor) and x.shape == p.shape and x.dim()
    ]
    if others:
        raise ValueError(
            f"the optimizer has a state already, and none of {', '.join(others)} is known to be its"
            " velocity: say which, as in watch(optimizer, velocity=...)"
        )
    return None


def names_in_process() -> dict[Tensor, str]:
    """Names of parameters by the modules that live in this process, the longest of each."""
    found: dict[Tensor, str] = {}
    modules = [x for x in gc.get_objects() if issubclass(type(x), torch.nn.Module)]
    for module in modules:
        for name, p in module.named_parameters():
            # what wraps a model is no part of the name
            name = ".".join(x for x in name.split(".") if x not in ("module", "_orig_mod"))
            if len(name) > len(found.get(p, "")):
                found[p] = name
    return found
