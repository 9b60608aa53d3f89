"""Velocity as a sum of steps: the learning rate is inside it."""

from typing import Any

from momentum.conventions._convention import Convention, Hyper, Source, State
from momentum.conventions._forms import velocity_forms


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + h.lr * d
    update = h.lr * d + h.momentum * v if h.nesterov else v
    return theta - update, State(state.step + 1, v)


def factors(state: Any, h: Hyper) -> tuple[Any, Any, Any]:
    return 1, h.lr, 1


convention = Convention(
    name="scaled",
    rule=rule,
    formula=(
        "v = 0 before the first step",
        "d = g + weight_decay x",
        "v = momentum v + lr d",
        "x = x - v",
        "nesterov: x = x - (lr d + momentum v)",
    ),
    source=Source("Dive into Deep Learning, section Momentum; Rumelhart, Hinton, Williams 1986"),
    spoken_by={
        "d2l": "coupled",
        "article": "coupled",
        "keras": "before",
        "keras2": "coupled",
        "caffe": "coupled",
        "caffe2": "coupled",
        "mxnet": "coupled",
        "sklearn": "coupled",
        "chainer": "coupled",
        "flux": "coupled",
        "lasagne": "coupled",
        "dlib": "coupled",
        "tinygrad_classic": "coupled",
        "neon": "coupled",
        "nnabla": "coupled",
        "tiny-dnn": "coupled",
        "mlpack": "coupled",
        "pylearn2": "coupled",
        "blocks": "coupled",
        "brain.js": "coupled",
        "river.momentum": "coupled",
        "oneflow": "simultaneous",
    },
    takes=frozenset({"momentum", "nesterov"}),
    forms=velocity_forms(factors),
)
