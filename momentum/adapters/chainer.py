"""Chainer: `MomentumSGD`, `CorrectedMomentumSGD` and `NesterovAG` of its last release, 7.8.1.

That release reads names that NumPy has removed since, and asks pkg_resources for versions.
"""

import importlib
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Gradient, Subject

_REMOVED: Mapping[str, Any] = {
    **{kind.__name__: kind for kind in (int, float, complex, object, str)},
    "bool": np.bool_,
    "float_": np.float64,
    "product": np.prod,
    "typeDict": getattr(np, "sctypeDict", {}),
    "sctypes": {
        "int": [np.int8, np.int16, np.int32, np.int64],
        "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
        "float": [np.float16, np.float32, np.float64],
    },
}


def prepare() -> None:
    """Before Chainer is imported: give it the names it reads."""
    for name, value in _REMOVED.items():
        if name not in vars(np):
            setattr(np, name, value)
    try:
        importlib.import_module("pkg_resources")
    except ImportError:
        stub: Any = types.ModuleType("pkg_resources")
        stub.DistributionNotFound = type("DistributionNotFound", (Exception,), {})
        stub.VersionConflict = type("VersionConflict", (Exception,), {})

        def unknown(*arguments: Any) -> Any:
            raise stub.DistributionNotFound

        stub.get_distribution = stub.require = stub.resource_string = unknown
        sys.modules["pkg_resources"] = stub


def accepts(obj: Any) -> bool:
    """Whether this is an optimizer class of Chainer."""
    return isinstance(obj, type) and _shared.comes_from(obj, "chainer.optimizers")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `update`; weight decay comes by Chainer's own hook."""
    names, values, kept = fitted(obj, 0, fixed, name)
    if obj.__name__ == "NesterovAG":
        values = {**values, "nesterov": True}  # Chainer: Nesterov's form is a class of its own
    decayed = {} if "weight_decay" in values else {"weight_decay": "weight_decay"}
    facts = Facts(
        name=name,
        dtypes=("float32", "float64", "float16"),
        hyper=frozenset(names) | frozenset(decayed) | frozenset(values),
        settable=frozenset(names),
        fixed=values,
        none_gradients=False,  # Chainer: `update` puts zeros where a gradient is missing
        offers=frozenset({"resume", "deepcopy", "pickle", "fed", "overwrite", "state_bytes"}),
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        import chainer

        given = _shared.arguments(hyper, names | decayed, values)
        rate = given.pop("weight_decay", values.get("weight_decay", 0.0))
        net = chainer.Link()
        with net.init_scope():
            for i, x in enumerate(parameters):
                setattr(net, f"p{i}", chainer.Parameter(np.array(x, dtype)))
        made = obj(**given, **kept).setup(net)
        if rate:
            made.add_hook(chainer.optimizer_hooks.WeightDecay(rate))
        return _Run(net, made, [x.shape for x in parameters], dtype)

    return PlainSubject(facts, begin)


class _Run(_shared.Keeper):
    state = ("optimizer", "net")

    def __init__(self, net: Any, optimizer: Any, shapes: list[Any], dtype: str) -> None:
        self.net, self.optimizer, self.shapes, self.dtype = net, optimizer, shapes, dtype

    def _params(self) -> list[Any]:
        return [getattr(self.net, f"p{i}") for i in range(len(self.shapes))]

    def step(self, gradients: Sequence[Gradient]) -> None:
        for p, g in zip(self._params(), _shared.complete(gradients)):
            p.grad = np.array(g, self.dtype)
        self.optimizer.update()

    def parameters(self) -> list[Array]:
        return _shared.read_all([p.data for p in self._params()], self.dtype, self.shapes)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.optimizer.lr, self.optimizer.momentum = float(hyper.lr), float(hyper.momentum)

    def fed(self) -> list[Array]:
        return [np.array(p.grad, np.float64) for p in self._params()]

    def overwrite_fed(self) -> None:
        for p in self._params():
            p.grad.fill(np.nan)

    def state_bytes(self) -> int:
        rules = [p.update_rule.state or {} for p in self._params()]
        return sum(np.asarray(v).nbytes for s in rules for n, v in s.items() if n == "v")


ADAPTER = Adapter(
    name="Chainer",
    takes="an optimizer class",
    module="chainer",
    distributions={"chainer": ("chainer",)},
    extra="chainer",
    accepts=accepts,
    adapt=adapt,
    prepare=prepare,
    speakers=("chainer", "chainer.corrected"),
)
