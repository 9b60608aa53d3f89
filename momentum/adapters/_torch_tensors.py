"""NumPy arrays to torch tensors in every memory layout, and back."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from momentum.adapters._device import CPU
from momentum.subjects.layouts import GAP
from momentum.subjects.protocol import LAYOUTS, Array

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name) for name in ("float32", "float64", "float16", "bfloat16")
}


def tensor(
    values: Array, dtype: torch.dtype, layout: str = "contiguous", device: str = CPU
) -> Tensor:
    """A tensor of these values in memory of its own.

    offset: contiguous, from the second number of a larger tensor on, which ends one later.
    strided: every other number of a larger tensor. expanded: one number seen many times, where the
    values allow it. channels_last, transposed: where there are dimensions enough, else contiguous.

    Raises: ValueError for an unknown layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}: known are {', '.join(LAYOUTS)}")
    dense = torch.tensor(values, dtype=dtype, device=device)
    if layout == "transposed":
        axes = tuple(reversed(range(dense.ndim)))
        return dense.permute(axes).contiguous().permute(axes)
    if layout == "channels_last" and dense.ndim == 4:
        return dense.contiguous(memory_format=torch.channels_last)
    if layout == "channels_last_3d" and dense.ndim == 5:
        return dense.contiguous(memory_format=torch.channels_last_3d)
    if layout == "expanded" and dense.numel() and bool((dense == dense.reshape(-1)[0]).all()):
        return dense.reshape(-1)[0].clone().expand(dense.shape)
    if layout == "offset":
        around = torch.full((dense.numel() + 2,), GAP, dtype=dtype, device=device)
        around[1:-1] = dense.reshape(-1)
        return around[1:-1].view(dense.shape)
    if layout == "strided":
        spread = torch.full((*dense.shape, 2), GAP, dtype=dtype, device=device)
        spread[..., 0] = dense
        return spread[..., 0]
    return dense


def gaps(view: Tensor) -> Array:
    """The memory around the elements of a tensor: all of its storage, but for the elements."""
    whole = torch.as_strided(
        view.detach(), (view.untyped_storage().nbytes() // view.element_size(),), (1,), 0
    )
    rest = torch.ones(whole.shape, dtype=torch.bool, device=view.device)
    torch.as_strided(rest, view.shape, view.stride(), view.storage_offset()).fill_(False)
    return array(whole[rest])


def array(x: Tensor) -> Array:
    """A float64 copy."""
    copied: Array = np.array(x.detach().cpu().to(torch.float64).numpy(), dtype=np.float64)
    return copied


def sparse(values: Array, dtype: torch.dtype, device: str = CPU) -> Tensor:
    """A sparse tensor with two entries for each number that is not 0, as an embedding leaves it.

    One of them is 0, so that adding them up rounds nothing, wherever it is done; which one follows
    no plain rule, so that neither the first nor the last stands for both.
    """
    once = torch.tensor(values, dtype=dtype, device=device).to_sparse()
    places = torch.cat([once.indices()] * 2, dim=1)
    number = once.values()
    first = torch.tensor([k.bit_count() % 2 == 0 for k in range(len(number))], device=device)
    first = first.reshape(-1, *[1] * (number.ndim - 1))
    entries = torch.cat([torch.where(first, number, 0), torch.where(first, 0, number)])
    return torch.sparse_coo_tensor(places, entries, once.shape, check_invariants=False)


def tensors_in(state: object) -> Iterator[Tensor]:
    """All tensors in nested dicts, lists and tuples."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict):
        for value in state.values():
            yield from tensors_in(value)
    elif isinstance(state, (list, tuple)):
        for value in state:
            yield from tensors_in(value)


def bytes_of(tensors: Iterator[Tensor]) -> int:
    """Memory that these tensors keep alive, shared memory counted once."""
    return sum(
        {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in tensors}.values()
    )
