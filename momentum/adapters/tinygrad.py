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

from momentum.adapters import _shared
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.adapters._tinygrad_run import DTYPES, TinygradRun, flushes, tensor
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Subject


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
    names, kept = _shared.parted(names, values, kept)
    facts = Facts(
        name=name,
        dtypes=DTYPES,
        hyper=frozenset(names),
        settable=frozenset(names) - _shared.FLAGS,
        fixed=values,
        offers=frozenset({"resume", "deepcopy", "pickle", "fed", "state_bytes"}),
        scalars=False,  # tinygrad: lr has shape (1,), which no parameter of shape () takes
        flushes_subnormals=flushes(),
        largest=33 if str(Device.DEFAULT) == "PYTHON" else 4097,
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> TinygradRun:
        wide = "float64" if dtype == "float64" else "float32"
        os.environ["OPTIM_DTYPE"] = wide
        getenv.cache_clear()  # tinygrad: it reads each variable once
        with Context(DEFAULT_FLOAT=wide):
            theta = [tensor(x, dtype).contiguous().realize().is_param_(True) for x in parameters]
            return TinygradRun(
                theta, obj(theta, **_shared.arguments(hyper, names, values), **kept), dtype
            )

    return PlainSubject(facts, begin)


ADAPTER = Adapter(
    name="tinygrad",
    takes="a class or function of nn.optim",
    module="tinygrad",
    distributions={"tinygrad": ("tinygrad",)},
    extra="tinygrad",
    accepts=accepts,
    adapt=adapt,
    prepare=prepare,
    speakers=("tinygrad", "tinygrad_classic"),
)
