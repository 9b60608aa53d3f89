"""What both optimizers read: numbers that must be finite, gradients that must be dense."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def number(options: Mapping[str, Any], name: str, where: str, least: float) -> float:
    if name not in options:
        raise ValueError(f"{where}: no {name}")
    value = options[name]
    try:
        number = math.nan if isinstance(value, (str, bytes, bool)) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # torch raises RuntimeError
        number = math.nan
    if not (math.isfinite(number) and number >= least):
        above = f", at least {least:g}" if math.isfinite(least) else ""
        raise ValueError(f"{where}: {name} = {value!r}, wanted one finite number{above}")
    return number


def gradient(p: Tensor) -> Tensor:
    """The gradient as a dense tensor of the parameter's type."""
    assert p.grad is not None
    grad = p.grad if p.grad.layout == torch.strided else p.grad.to_dense()
    return grad if grad.dtype == p.dtype else grad.to(p.dtype)
