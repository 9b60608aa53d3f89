"""The device that tensors of torch are made on: `--set device=cuda`, `cuda:1`, `mps`."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from time import perf_counter

from momentum.errors import UsageError
from momentum.subjects.isolation import not_copied, stream, trial_limit

CPU = "cpu"


def parted(
    function: Callable[..., object], fixed: Mapping[str, object], name: str
) -> tuple[str, dict[str, object]]:
    """The device that a caller has fixed for an optimizer's tensors, and what else is fixed.

    An optimizer that takes an argument of this name gets it, and tensors stay where they are.
    Raises: UsageError where torch finds no such device.
    """
    rest = dict(fixed)
    if "device" not in fixed or "device" in inspect.signature(function).parameters:
        return CPU, rest
    device = str(rest.pop("device"))
    if device != CPU and (why := _missing(device)):
        raise UsageError(f"{name}: --set device={device}: torch finds no such device here: {why}")
    return device, rest


@cache
def _missing(device: str) -> str:
    """Why nothing can be computed on a device; empty where it can.

    A process that has called a device's driver cannot be copied, so that a copy of this one tries.
    Where a module has called it while it was imported, this process does, and stays the only one.
    """
    if find_spec("torch") is None:
        return "torch is not installed"
    said = list(stream(lambda: iter([_why_not(device)]), trial_limit(60.0)))
    why = said[0] if isinstance(said[0], str) else said[0].reason
    if "initializ" not in why:  # torch's word, and the driver's, for what a copy lacks
        return why
    not_copied()
    return _why_not(device)


def _why_not(device: str) -> str:
    import torch

    try:
        assert (torch.ones(2, device=device) * 2).sum().item() == 4
    except Exception as error:  # torch has one of its own for each kind of device
        return " ".join(str(error).split())[:200] or type(error).__name__
    return ""


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
