"""tinygrad: `nn.optim.SGD` (also with `--set classic=True`) and `nn.optim.LARS`.

Where there is no clang, tinygrad's device in pure Python is used: right, and slow. While a float64
problem runs, OPTIM_DTYPE and DEFAULT_FLOAT say float64: with the defaults tinygrad refuses it.
"""

import os
import shutil
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from momentum.adapters._cache import folder
from momentum.adapters._declared import DeclaredRun, Stated
from momentum.adapters._libraries import FOUR, Library
from momentum.adapters._record import callables_of, framework
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array

if TYPE_CHECKING:
    from tinygrad import Tensor
    from tinygrad.dtype import DType


def prepare() -> None:
    """Before tinygrad is imported: choose a device that works, and keep the home clean."""
    if not shutil.which(os.environ.get("CC", "clang")):
        os.environ.setdefault("DEV", "PYTHON")
    os.environ.setdefault("CACHEDB", str(folder("tinygrad") / f"{version('tinygrad')}.db"))


def _tensor(values: Array, dtype: "str | DType") -> "Tensor":
    """A tensor; dtype by name or tinygrad's own."""
    from tinygrad import Tensor, dtypes

    return Tensor(values, dtype=getattr(dtypes, dtype) if isinstance(dtype, str) else dtype)


def _numbers(tensor: "Tensor") -> Array:
    """A float64 copy; a tensor that is detached first is planned anew, which takes 20 ms."""
    return np.array(tensor.numpy(), dtype=np.float64)


def _name(tensor: "Tensor") -> str:
    """Its dtype by its usual name."""
    from tinygrad import dtypes

    return next((n for n in FOUR if getattr(dtypes, n) == tensor.dtype), str(tensor.dtype))


def library() -> Library:
    """tinygrad's tensors."""
    from tinygrad import Device, Tensor

    least = (_tensor(np.full(1, 2.0**-24), "float16") * 1.0).realize()
    return Library(
        "tinygrad",
        FOUR,
        _tensor,
        _numbers,
        lambda x: isinstance(x, Tensor),
        None,
        claims={
            # Half precision loses them where a device has to emulate it.
            "flushes_subnormals": not _numbers(least).any(),
            "compiles": True,
            "largest": 33 if str(Device.DEFAULT) == "PYTHON" else 4097,
        },
        dtype=_name,
        computed=lambda x: x.realize(),
    )


class _Run(DeclaredRun):
    """It steps through `Optimizer.step`."""

    of_library = library
    leading = 1

    @classmethod
    def claims(cls, obj: object) -> Stated:
        # tinygrad: lr has shape (1,), which no parameter of shape () takes
        return super().claims(obj) | {"scalars": False}

    def begin(self, hyper: Hyper) -> None:
        from tinygrad.helpers import Context, getenv

        wide = "float64" if self.dtype == "float64" else "float32"
        os.environ["OPTIM_DTYPE"] = wide
        getenv.cache_clear()  # tinygrad: it reads each variable once
        with Context(DEFAULT_FLOAT=wide):
            self.theta = [x.contiguous().realize().is_param_(True) for x in self.theta]
            self.optimizer = self.said.made(hyper, self.theta)

    def advance(self) -> None:
        from tinygrad.helpers import Context

        if self.grads:
            self.grads[0].realize(*self.grads[1:])  # at once: tinygrad plans each call anew
        for p, g in zip(self.theta, self.grads):
            p.grad = g
        with Context(TRAINING=1):
            self.optimizer.step()

    def set(self, hyper: Hyper, group: int = 0) -> None:
        lr = self.optimizer.lr
        lr.assign(_tensor(np.full(lr.shape, float(hyper.lr)), lr.dtype)).realize()
        self.optimizer.momentum = float(hyper.momentum)
        self.optimizer.wd = float(hyper.weight_decay)

    def save(self) -> object:
        """tinygrad's state dict as NumPy arrays, and what it leaves out."""
        from tinygrad.nn.state import get_state_dict

        state = {n: (_numbers(x), x.dtype) for n, x in get_state_dict(self.optimizer).items()}
        plain = {n: x for n, x in vars(self.optimizer).items() if isinstance(x, int | float)}
        return state, plain

    def load(self, saved: Any) -> None:
        from tinygrad.nn.state import load_state_dict

        state = {n: _tensor(x, dtype) for n, (x, dtype) in saved[0].items()}
        load_state_dict(self.optimizer, state, verbose=False)
        vars(self.optimizer).update(saved[1])

    def state_bytes(self) -> int:
        from tinygrad.nn.state import get_state_dict

        held = get_state_dict(self.optimizer).values()
        return sum(int(b.nbytes()) for b in held if not any(b is p for p in self.theta))


ADAPTER = framework(
    "tinygrad",
    takes="a class or function of nn.optim",
    accepts=callables_of("tinygrad.nn.optim"),
    adapt=_Run.adapt,
    prepare=prepare,
    speakers=("tinygrad", "tinygrad_classic"),
)
