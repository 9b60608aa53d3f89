"""tinygrad: `nn.optim.SGD` (also with `--set classic=True`) and `nn.optim.LARS`.

Where there is no clang, tinygrad's device in pure Python is used: right, and slow. While a float64
problem runs, OPTIM_DTYPE and DEFAULT_FLOAT say float64: with the defaults tinygrad refuses it.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._plain import PlainSubject
from momentum.adapters._signature import fitted
from momentum.conventions import Hyper
from momentum.subject import Array, Facts, Gradient, Subject

_DTYPES = ("float32", "float64", "float16", "bfloat16")


def prepare() -> None:
    """Before tinygrad is imported: choose a device that works, and keep the home clean."""
    if not shutil.which(os.environ.get("CC", "clang")):
        os.environ.setdefault("DEV", "PYTHON")
    os.environ.setdefault("CACHEDB", str(Path(tempfile.mkdtemp(prefix="tinygrad-"), "cache.db")))


def accepts(obj: Any) -> bool:
    """Whether this is a class or function of tinygrad's module of optimizers."""
    return callable(obj) and _shared.comes_from(obj, "tinygrad.nn.optim")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `Optimizer.step`."""
    from tinygrad import Device
    from tinygrad.helpers import Context, getenv

    names, values, kept = fitted(obj, 1, fixed, name)
    facts = Facts(
        name=name,
        dtypes=_DTYPES,
        hyper=frozenset(names),
        settable=frozenset(names) - _shared.FLAGS,
        fixed=values,
        offers=frozenset({"resume", "deepcopy", "pickle", "fed", "state_bytes"}),
        scalars=False,  # tinygrad: lr has shape (1,), which no parameter of shape () takes
        flushes_subnormals=_flushes(),
        largest=33 if str(Device.DEFAULT) == "PYTHON" else 4097,
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        wide = "float64" if dtype == "float64" else "float32"
        os.environ["OPTIM_DTYPE"] = wide
        getenv.cache_clear()  # tinygrad: it reads each variable once
        with Context(DEFAULT_FLOAT=wide):
            theta = [_tensor(x, dtype).contiguous().realize().is_param_(True) for x in parameters]
            return _Run(theta, obj(theta, **_shared.arguments(hyper, names, values), **kept), dtype)

    return PlainSubject(facts, begin)


class _Run(_shared.Keeper):
    state = ("theta", "optimizer")

    def __init__(self, theta: list[Any], optimizer: Any, dtype: str) -> None:
        self.theta, self.optimizer, self.dtype = theta, optimizer, dtype
        self.shapes = [x.shape for x in theta]
        self.grads: list[Any] = []

    def step(self, gradients: Sequence[Gradient]) -> None:
        from tinygrad.helpers import Context

        self.grads = [_tensor(g, self.dtype).realize() for g in _shared.complete(gradients)]
        for p, g in zip(self.theta, self.grads):
            p.grad = g
        with Context(TRAINING=1):
            self.optimizer.step()

    def parameters(self) -> list[Array]:
        return [
            _shared.read(i, _numbers(x), _name(x.dtype), self.dtype, self.shapes[i])
            for i, x in enumerate(self.theta)
        ]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        lr = self.optimizer.lr
        lr.assign(_tensor(np.full(lr.shape, float(hyper.lr)), lr.dtype)).realize()
        self.optimizer.momentum = float(hyper.momentum)
        self.optimizer.wd = float(hyper.weight_decay)

    def fed(self) -> list[Array]:
        return [_numbers(g) for g in self.grads]

    def state_bytes(self) -> int:
        return sum(int(b.nbytes()) for b in (*self.optimizer.b, self.optimizer.lr))


def _flushes() -> bool:
    """Whether half precision loses its subnormals, as it does where a device has to emulate it."""
    return not _numbers((_tensor(np.full(1, 2.0**-24), "float16") * 1.0).realize()).any()


def _tensor(values: Array, dtype: Any) -> Any:
    from tinygrad import Tensor, dtypes

    return Tensor(values, dtype=getattr(dtypes, dtype) if isinstance(dtype, str) else dtype)


def _numbers(tensor: Any) -> Array:
    return np.array(tensor.detach().numpy(), dtype=np.float64)


def _name(dtype: Any) -> str:
    from tinygrad import dtypes

    return next((n for n in _DTYPES if getattr(dtypes, n) == dtype), str(dtype))
