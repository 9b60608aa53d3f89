"""Velocity as a sum of gradients, started at zero; learning rate outside."""

from typing import Any

from momentum.conventions._convention import Convention, Hyper, Source, State
from momentum.conventions._forms import velocity_forms


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.dampening) * d
    update = d + h.momentum * v if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def factors(state: Any, h: Hyper) -> tuple[Any, Any, Any]:
    return h.lr, 1, 1 - h.dampening


convention = Convention(
    name="zero_started",
    rule=rule,
    formula=(
        "v = 0 before the first step",
        "d = g + weight_decay x",
        "v = momentum v + (1 - dampening) d",
        "x = x - lr v",
        "nesterov: x = x - lr (d + momentum v)",
    ),
    source=Source("optax.sgd and optax.trace; tf.raw_ops.ResourceApplyMomentum"),
    spoken_by={
        "optax": "coupled",
        "jax": "coupled",
        "tf1": "coupled",
        "tfjs": "coupled",
        "sonnet": "coupled",
        "flax": "coupled",
        "mindspore.momentum": "coupled",
        "megengine": "coupled",
        "chainer.corrected": "coupled",
        "paddle": "coupled",
        "tinygrad": "coupled",
        "mlx": "coupled",
        "heavyball": "before",
        "fastai": "before",
        "dfdx": "simultaneous",
    },
    takes=frozenset({"momentum", "dampening", "nesterov"}),
    forms=velocity_forms(factors),
)
