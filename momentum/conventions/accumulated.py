"""Velocity as a sum of gradients, started with the first one; learning rate outside."""

from typing import Any

from momentum.conventions._convention import Convention, Hyper, Source, State
from momentum.conventions._forms import velocity_forms


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * theta
    v = d if state.step == 0 else h.momentum * state.v + (1 - h.dampening) * d
    update = d + h.momentum * v if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def factors(state: Any, h: Hyper) -> tuple[Any, Any, Any]:
    return h.lr, 1, 1 if state.step == 0 else 1 - h.dampening


convention = Convention(
    name="accumulated",
    rule=rule,
    formula=(
        "d = g + weight_decay x",
        "v = d at the first step, else momentum v + (1 - dampening) d",
        "x = x - lr v",
        "nesterov: x = x - lr (d + momentum v)",
    ),
    source=Source("torch.optim.SGD, algorithm box; Sutskever et al. 2013 for the Nesterov form"),
    spoken_by={
        "torch": "coupled",
        "libtorch": "coupled",
        "torch7": "coupled",
        "burn": "coupled",
        "onnx": "coupled",
        "mindspore": "coupled",
        "torchopt": "coupled",
        "bitsandbytes": "coupled",
        "timm": "before",
        "pytorch_optimizer": "before",
        "torch_optimizer": "before",
    },
    takes=frozenset({"momentum", "dampening", "nesterov"}),
    forms=velocity_forms(factors),
)
