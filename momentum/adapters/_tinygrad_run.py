"""A live tinygrad optimizer, and tensors there and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient

DTYPES = ("float32", "float64", "float16", "bfloat16")


def flushes() -> bool:
    """Whether half precision loses its subnormals, as it does where a device has to emulate it."""
    return not numbers((tensor(np.full(1, 2.0**-24), "float16") * 1.0).realize()).any()


def tensor(values: Array, dtype: Any) -> Any:
    """A tensor; dtype by name or tinygrad's own."""
    from tinygrad import Tensor, dtypes

    return Tensor(values, dtype=getattr(dtypes, dtype) if isinstance(dtype, str) else dtype)


def numbers(tensor: Any) -> Array:
    """A float64 copy."""
    return np.array(tensor.detach().numpy(), dtype=np.float64)


def name(dtype: Any) -> str:
    """tinygrad's dtype by its usual name."""
    from tinygrad import dtypes

    return next((n for n in DTYPES if getattr(dtypes, n) == dtype), str(dtype))


class TinygradRun(_shared.Keeper):
    """A live run."""

    state = ("theta", "optimizer")  # of duplicates

    def __init__(self, theta: list[Any], optimizer: Any, dtype: str) -> None:
        self.theta, self.optimizer, self.dtype = theta, optimizer, dtype
        self.shapes = [x.shape for x in theta]
        self.grads: list[Any] = []

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step of all parameters."""
        from tinygrad.helpers import Context

        self.grads = [tensor(g, self.dtype) for g in _shared.complete(gradients)]
        if self.grads:
            self.grads[0].realize(*self.grads[1:])  # at once: tinygrad plans each call anew
        for p, g in zip(self.theta, self.grads):
            p.grad = g
        with Context(TRAINING=1):
            self.optimizer.step()

    def parameters(self) -> list[Array]:
        """Copies as float64."""
        return [
            _shared.read(i, numbers(x), name(x.dtype), self.dtype, self.shapes[i])
            for i, x in enumerate(self.theta)
        ]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        lr = self.optimizer.lr
        lr.assign(tensor(np.full(lr.shape, float(hyper.lr)), lr.dtype)).realize()
        self.optimizer.momentum = float(hyper.momentum)
        self.optimizer.wd = float(hyper.weight_decay)

    def save(self) -> Any:
        """tinygrad's state dict as NumPy arrays, and what it leaves out."""
        from tinygrad.nn.state import get_state_dict

        state = {n: (numbers(x), x.dtype) for n, x in get_state_dict(self.optimizer).items()}
        return state, (self.optimizer.momentum, self.optimizer.wd)

    def load(self, saved: Any) -> None:
        """Go on from what `save` returned."""
        from tinygrad.nn.state import load_state_dict

        state = {n: tensor(x, dtype) for n, (x, dtype) in saved[0].items()}
        load_state_dict(self.optimizer, state, verbose=False)
        self.optimizer.momentum, self.optimizer.wd = saved[1]

    def fed(self) -> list[Array]:
        """The last gradients, as they read now."""
        return [numbers(g) for g in self.grads]

    def state_bytes(self) -> int:
        """Bytes of velocities and learning rate."""
        return sum(int(b.nbytes()) for b in (*self.optimizer.b, self.optimizer.lr))
