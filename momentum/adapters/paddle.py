"""PaddlePaddle: `paddle.optimizer.Momentum`, whose CPU kernel knows float32 and float64."""

from functools import partial
from typing import Any

import numpy as np

from momentum.adapters._declared import DeclaredRun
from momentum.adapters._libraries import Library
from momentum.adapters._record import classes_of, framework
from momentum.adapters._run import OF_GRADIENTS
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array


def _library() -> Library:
    import paddle

    paddle.set_device("cpu")

    def make(values: Array, dtype: str) -> paddle.Tensor:
        return paddle.to_tensor(values.astype(dtype))

    def numbers(tensor: paddle.Tensor) -> Array:
        return np.array(tensor.numpy(), dtype=np.float64)

    def owns(tensor: object) -> bool:
        return isinstance(tensor, paddle.Tensor)

    return Library("paddle", ("float32", "float64"), make, numbers, owns, None)


class _Run(DeclaredRun):
    """It steps through `step`."""

    of_library = _library
    settable = ("lr", "momentum")
    offers = OF_GRADIENTS | {"resume", "state_bytes"}
    takes_none = True

    def begin(self, hyper: Hyper) -> None:
        import paddle

        for i, x in enumerate(self.theta):
            self.theta[i] = paddle.create_parameter(list(x.shape), dtype=self.dtype)
            self.theta[i].set_value(x)
        given = self.said.arguments(hyper)
        if not given.get("weight_decay"):
            given["weight_decay"] = None  # paddle: a decay that is off
        self.made = partial(self.said.function, **given, parameters=self.theta)
        self.optimizer = self.made()

    def advance(self) -> None:
        for p, g in zip(self.theta, self.grads):
            p.grad = g
        self.optimizer.step()
        self.grads = [p.grad for p in self.theta]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.optimizer.set_lr(float(hyper.lr))
        self.optimizer._momentum = float(hyper.momentum)  # paddle: there is no public way

    def save(self) -> object:
        kept = {n: v.numpy() for n, v in self.optimizer.state_dict().items() if hasattr(v, "numpy")}
        rest = {n: v for n, v in self.optimizer.state_dict().items() if n == "LR_Scheduler"}
        names = [p.name for p in self.theta]
        plain = self.optimizer.get_lr(), self.optimizer._momentum
        return [p.numpy() for p in self.theta], names, kept, rest, plain

    def load(self, saved: Any) -> None:
        import paddle

        values, names, kept, rest, (lr, momentum) = saved
        if not kept:  # paddle: a state of before the first step is refused after it
            self.optimizer = self.made()
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

    def state_bytes(self) -> int:
        state = self.optimizer.state_dict().values()
        return sum(v.numpy().nbytes for v in state if hasattr(v, "numpy"))


ADAPTER = framework(
    "paddle",
    "Paddle",
    distributions={"paddle": ("paddlepaddle",)},
    accepts=classes_of("paddle.optimizer"),
    adapt=_Run.adapt,
)
