"""ONNX: the operator `Momentum` of ai.onnx.preview.training, by the reference evaluator.

The rate and the count of steps are inputs; momentum, dampening (as beta = 1 - dampening), decay
and mode are attributes, which the format keeps in float32: another value is another model.
Target: `onnx.reference:ReferenceEvaluator`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from momentum.adapters import _libraries, _shared
from momentum.adapters._record import classes_of, framework
from momentum.adapters._run import COPIES, OF_GRADIENTS, ArrayRun
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Subject

if TYPE_CHECKING:
    from onnx import ValueInfoProto
    from onnx.reference import ReferenceEvaluator

Evaluator = Callable[..., "ReferenceEvaluator"]

_DOMAIN = "ai.onnx.preview.training"
_TYPES = {"float32": "FLOAT", "float64": "DOUBLE"}


def adapt(obj: Evaluator, fixed: Mapping[str, object], name: str) -> Subject:
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
        offers=COPIES | OF_GRADIENTS | {"overwrite", "state_bytes", "nesterov_with_dampening"},
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        _shared.arguments(hyper, {n: n for n in facts.hyper}, values)
        return _Run(obj, parameters, hyper, dtype)

    return PlainSubject(facts, begin)


@lru_cache(maxsize=64)
def _model(evaluator: Evaluator, parameters: int, h: Hyper, dtype: str) -> "ReferenceEvaluator":
    from onnx import TensorProto, helper

    def value(name: str, kind: str, shape: Sequence[int] | None = None) -> "ValueInfoProto":
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


class _Run(ArrayRun):
    state = ("theta", "v", "steps", "hyper")

    def __init__(
        self,
        evaluator: Evaluator,
        parameters: Sequence[Array],
        hyper: Hyper,
        dtype: str,
    ) -> None:
        super().__init__(_libraries.numpy(), parameters, dtype)
        self.evaluator, self.hyper, self.steps = evaluator, hyper, 0
        self.v = [np.zeros_like(x) for x in self.theta]

    def advance(self) -> None:
        count = len(self.theta)
        h = _shared.plain(self.hyper)._replace(lr=0.0)  # the rate is an input
        letters = {"X": self.theta, "G": self.grads, "V": self.v}
        fed = {f"{a}{i}": x for a, arrays in letters.items() for i, x in enumerate(arrays)}
        fed |= {"R": np.array(self.hyper.lr, self.dtype), "T": np.array(self.steps, np.int64)}
        out = _model(self.evaluator, count, h, self.dtype).run(None, fed)
        self.theta, self.v = out[:count], out[count:]
        self.steps += 1

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.hyper = hyper

    def state_bytes(self) -> int:
        return sum(np.asarray(v).nbytes for v in self.v)


ADAPTER = framework(
    "onnx",
    "ONNX",
    takes="onnx.reference:ReferenceEvaluator",
    accepts=classes_of("onnx.reference"),
    adapt=adapt,
)
