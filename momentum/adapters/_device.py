"""The device that tensors of torch are made on: `--set device=cuda`, `cuda:1`, `mps`."""

import inspect
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from momentum.errors import UsageError
from momentum.subjects.isolation import survives, without_memory_limit

CPU = "cpu"


def parted(
    function: Callable[..., Any], fixed: Mapping[str, object], name: str
) -> tuple[str, dict[str, object]]:
    """The device that a caller has fixed for an optimizer's tensors, and what else is fixed.

    An optimizer that takes an argument of this name gets it, and tensors stay where they are.
    Raises: UsageError where torch finds no such device.
    """
    rest = dict(fixed)
    if "device" not in fixed or "device" in inspect.signature(function).parameters:
        return CPU, rest
    device = str(rest.pop("device"))
    # A process that has called a device's driver cannot be copied: a copy of this one asks it.
    if device != CPU and not survives(lambda: _computes(device), 60.0):
        raise UsageError(f"{name}: --set device={device}: torch finds no such device here")
    return device, rest


def _computes(device: str) -> bool:
    import torch

    without_memory_limit()
    return bool((torch.ones(2, device=device) * 2).sum().item() == 4)


def wait_for(device: str) -> None:
    """Return when a device has done all that it was given."""
    kind = device.partition(":")[0]
    if kind != CPU:
        import torch

        getattr(torch, kind).synchronize()


def copy_seconds(elements: int, device: str) -> float:
    """Seconds that a device takes to read or write a byte of float32 numbers, copying them."""
    import torch

    copied, other = torch.zeros(elements, device=device), torch.ones(elements, device=device)
    wait_for(device)
    took = []
    for _ in range(3):
        began = perf_counter()
        copied.copy_(other)
        wait_for(device)
        took.append((perf_counter() - began) / (2 * copied.nbytes))
    return min(took)
