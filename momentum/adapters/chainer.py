"""Chainer: `MomentumSGD`, `CorrectedMomentumSGD` and `NesterovAG` of its last release, 7.8.1.

That release reads names that NumPy has removed since, and asks pkg_resources for versions.
"""

import importlib
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Never

import numpy as np
from numpy.typing import NDArray

from momentum.adapters import _libraries
from momentum.adapters._declared import DeclaredRun
from momentum.adapters._record import classes_of, framework
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper

if TYPE_CHECKING:
    import chainer

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

        def unknown(*arguments: object) -> Never:
            raise stub.DistributionNotFound

        stub.get_distribution = stub.require = stub.resource_string = unknown
        sys.modules["pkg_resources"] = stub


class _Run(DeclaredRun):
    """It steps through `update`, which puts zeros where a gradient is missing."""

    of_library = _libraries.numpy
    offers = DeclaredRun.offers | {"overwrite"}
    attributes: Mapping[str, str] = {"lr": "lr", "momentum": "momentum"}
    nesterov = ("NesterovAG",)
    state = ("optimizer", "net")

    @classmethod
    def adapt(cls, obj: Callable[..., Any], fixed: Mapping[str, object], name: str) -> PlainSubject:
        """Weight decay comes by Chainer's own hook."""
        made = super().adapt(obj, fixed, name)
        hyper = made.facts.hyper | ({"weight_decay"} - made.facts.fixed.keys())
        return replace(made, facts=replace(made.facts, hyper=hyper))

    def begin(self, hyper: Hyper) -> None:
        import chainer

        self.net = chainer.Link()
        with self.net.init_scope():
            for i, x in enumerate(self.theta):
                setattr(self.net, f"p{i}", chainer.Parameter(x))
        self.optimizer = self.said.made(hyper._replace(weight_decay=0.0)).setup(self.net)
        if hyper.weight_decay:
            self.optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(float(hyper.weight_decay)))

    def _params(self) -> "list[chainer.Parameter]":
        return [getattr(self.net, f"p{i}") for i in range(len(self.shapes))]

    def arrays(self) -> list[NDArray[np.floating]]:
        return [p.data for p in self._params()]

    def advance(self) -> None:
        for p, g in zip(self._params(), self.grads):
            p.grad = g
        self.optimizer.update()

    def state_bytes(self) -> int:
        rules = [p.update_rule.state or {} for p in self._params()]
        return sum(np.asarray(v).nbytes for s in rules for n, v in s.items() if n == "v")


ADAPTER = framework(
    "chainer",
    "Chainer",
    accepts=classes_of("chainer.optimizers"),
    adapt=_Run.adapt,
    prepare=prepare,
    speakers=("chainer", "chainer.corrected"),
)
