"""PaddlePaddle: `paddle.optimizer.Momentum`, whose CPU kernel knows float32 and float64."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Gradient, Subject


def accepts(obj: Any) -> bool:
    """Whether this is an optimizer class of Paddle."""
    return isinstance(obj, type) and _shared.comes_from(obj, "paddle.optimizer")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `step`."""
    import paddle

    paddle.set_device("cpu")
    names, values, kept = fitted(obj, 0, fixed, name)
    facts = Facts(
        name=name,
        dtypes=("float32", "float64"),
        hyper=frozenset(names),
        settable=frozenset(names) & {"lr", "momentum"},
        fixed=values,
        none_gradients=True,
        offers=frozenset({"resume", "fed", "state_bytes"}),
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Run:
        theta = []
        for x in parameters:
            p = paddle.create_parameter(list(x.shape), dtype=dtype)
            p.set_value(paddle.to_tensor(x.astype(dtype)))
            theta.append(p)
        given = _shared.arguments(hyper, names, values)
        if not given.get("weight_decay"):
            given["weight_decay"] = None  # paddle: a decay that is off
        return _Run(theta, obj(**given, **kept, parameters=theta), dtype)

    return PlainSubject(facts, begin)


class _Run:
    def __init__(self, theta: list[Any], optimizer: Any, dtype: str) -> None:
        self.theta, self.optimizer, self.dtype = theta, optimizer, dtype
        self.shapes = [tuple(p.shape) for p in theta]
        self.grads: list[Any] = [None] * len(theta)

    def step(self, gradients: Sequence[Gradient]) -> None:
        import paddle

        self.grads = [
            None if g is None else paddle.to_tensor(g.astype(self.dtype)) for g in gradients
        ]
        for p, g in zip(self.theta, self.grads):
            p.grad = g
        self.optimizer.step()

    def parameters(self) -> list[Array]:
        return [
            _shared.read(i, p.numpy(), p.dtype, self.dtype, self.shapes[i])
            for i, p in enumerate(self.theta)
        ]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.optimizer.set_lr(float(hyper.lr))
        self.optimizer._momentum = float(hyper.momentum)  # paddle: there is no public way

    def save(self) -> Any:
        kept = {n: v.numpy() for n, v in self.optimizer.state_dict().items() if hasattr(v, "numpy")}
        rest = {n: v for n, v in self.optimizer.state_dict().items() if n == "LR_Scheduler"}
        names = [p.name for p in self.theta]
        plain = self.optimizer.get_lr(), self.optimizer._momentum
        return [p.numpy() for p in self.theta], names, kept, rest, plain

    def load(self, saved: Any) -> None:
        import paddle

        values, names, kept, rest, (lr, momentum) = saved
        state = dict(rest)
        # paddle: a state names its parameters, and parameters made later have other names.
        for old, p in zip(names, self.theta):
            mine = [n for n in kept if n.startswith(f"{old}_velocity")]
            state |= {n.replace(old, p.name, 1): paddle.to_tensor(kept[n]) for n in mine}
        for p, x in zip(self.theta, values):
            p.set_value(paddle.to_tensor(x))
        self.optimizer.set_state_dict(state)
        self.optimizer.set_lr(lr)
        self.optimizer._momentum = momentum

    def fed(self) -> list[Array | None]:
        held = [p.grad for p in self.theta]
        return [None if g is None else np.array(g.numpy(), dtype=np.float64) for g in held]

    def state_bytes(self) -> int:
        state = self.optimizer.state_dict().values()
        return sum(v.numpy().nbytes for v in state if hasattr(v, "numpy"))


ADAPTER = Adapter(
    name="Paddle",
    takes="an optimizer class",
    module="paddle",
    distributions={"paddle": ("paddlepaddle",)},
    extra="paddle",
    accepts=accepts,
    adapt=adapt,
    speakers=("paddle",),
)
