"""ONNX: the operator `Momentum` of ai.onnx.preview.training, by the reference evaluator.

The rate and the count of steps are inputs; momentum, dampening (as beta = 1 - dampening), decay
and mode are attributes, which the format keeps in float32: another value is another model.
Target: `onnx.reference:ReferenceEvaluator`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._record import Adapter
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Gradient, Subject

_DOMAIN = "ai.onnx.preview.training"
_TYPES = {"float32": "FLOAT", "float64": "DOUBLE"}


def accepts(obj: Any) -> bool:
    """Whether this is the class of reference evaluators."""
    return isinstance(obj, type) and _shared.comes_from(obj, "onnx.reference")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject whose step is one run of a model that consists of this operator."""
    values, others = _shared.divided(fixed)
    if others:
        raise UsageError(f"{name} takes no {next(iter(others))!r}")
    hyper = frozenset({"lr", "momentum", "dampening", "weight_decay", "nesterov"}) - values.keys()
    facts = Facts(
        name=name,
        dtypes=tuple(_TYPES),
        hyper=hyper,
        settable=hyper - _shared.FLAGS,
        fixed=values,
        offers=frozenset({"resume", "deepcopy", "pickle", "fed", "overwrite", "state_bytes"})
        | {"nesterov_with_dampening"},
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        _shared.arguments(hyper, {n: n for n in facts.hyper}, values)
        return _Run(obj, parameters, hyper, dtype)

    return PlainSubject(facts, begin)


@lru_cache(maxsize=64)
def _model(evaluator: Any, parameters: int, h: Hyper, dtype: str) -> Any:
    from onnx import TensorProto, helper

    def value(name: str, kind: str, shape: Any = None) -> Any:
        return helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape)

    kind = _TYPES[dtype]
    ins = [f"{letter}{i}" for letter in "XGV" for i in range(parameters)]
    outs = [f"{letter}{i}_new" for letter in "XV" for i in range(parameters)]
    node = helper.make_node(
        "Momentum",
        ["R", "T", *ins],
        outs,
        domain=_DOMAIN,
        alpha=float(h.momentum),
        beta=1 - float(h.dampening),
        norm_coefficient=float(h.weight_decay),
        mode="nesterov" if h.nesterov else "standard",
    )
    inputs = [value("R", kind, []), value("T", "INT64", []), *(value(n, kind) for n in ins)]
    graph = helper.make_graph([node], "momentum", inputs, [value(n, kind) for n in outs])
    imports = [helper.make_opsetid("", 18), helper.make_opsetid(_DOMAIN, 1)]
    return evaluator(helper.make_model(graph, opset_imports=imports))


class _Run(_shared.Keeper):
    state = ("theta", "v", "steps", "hyper")

    def __init__(
        self, evaluator: Any, parameters: Sequence[Array], hyper: Hyper, dtype: str
    ) -> None:
        self.evaluator, self.dtype, self.hyper, self.steps = evaluator, dtype, hyper, 0
        self.theta = [x.astype(dtype) for x in parameters]
        self.v = [np.zeros_like(x) for x in self.theta]
        self.shapes = [x.shape for x in parameters]
        self.grads: list[Any] = []

    def step(self, gradients: Sequence[Gradient]) -> None:
        self.grads = [g.astype(self.dtype) for g in _shared.complete(gradients)]
        count = len(self.theta)
        h = _shared.plain(self.hyper)._replace(lr=0.0)  # the rate is an input
        fed = {f"X{i}": x for i, x in enumerate(self.theta)}
        fed |= {f"G{i}": g for i, g in enumerate(self.grads)}
        fed |= {f"V{i}": v for i, v in enumerate(self.v)}
        fed |= {"R": np.array(self.hyper.lr, self.dtype), "T": np.array(self.steps, np.int64)}
        out = _model(self.evaluator, count, h, self.dtype).run(None, fed)
        self.theta, self.v = out[:count], out[count:]
        self.steps += 1

    def parameters(self) -> list[Array]:
        return _shared.read_all(self.theta, self.dtype, self.shapes)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.hyper = hyper

    def fed(self) -> list[Array]:
        return [g.astype(np.float64) for g in self.grads]

    def overwrite_fed(self) -> None:
        for g in self.grads:
            g.fill(np.nan)

    def state_bytes(self) -> int:
        return sum(np.asarray(v).nbytes for v in self.v)


ADAPTER = Adapter(
    name="ONNX",
    takes="onnx.reference:ReferenceEvaluator",
    module="onnx",
    distributions={"onnx": ("onnx",)},
    extra="onnx",
    accepts=accepts,
    adapt=adapt,
    speakers=("onnx",),
)
