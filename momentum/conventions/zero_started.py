"""Velocity as a sum of gradients, started at zero; learning rate outside."""

from momentum.arithmetic import exact
from momentum.arithmetic.number import Number
from momentum.conventions._convention import OUTSIDE, Convention, Hyper, Source
from momentum.conventions._forms import difference_forms, velocity_forms
from momentum.conventions._inverse import Inverse, rate_outside, shifts_outside
from momentum.conventions._response import summed
from momentum.conventions._rule import State
from momentum.conventions._speaker import (  # fmt: skip
    DAMPENING,
    DECAY,
    NESTEROV,
    OPTAX_DECAY,
    OWN,
    RATE,
    USE_NESTEROV,
    Spelling,
)


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.dampening) * d
    update = d + h.momentum * v if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def factors(state: State, h: Hyper) -> tuple[Number, Number, Number]:
    return h.lr, 1, 1 - h.dampening


convention = Convention(
    name="zero_started",
    label="zero",
    rule=rule,
    words="the velocity starts at zero, so that the first step is dampened too",
    rate=OUTSIDE,
    dampening="honoured, at the first step too",
    source=Source("optax.sgd and optax.trace; tf.raw_ops.ResourceApplyMomentum"),
    speakers=(
        Spelling("optax", RATE | NESTEROV | DECAY, "optax.sgd({})", decay_call=OPTAX_DECAY,
                 velocity="TraceState.trace", source="its signature in 0.2.8"),
        Spelling("jax", {"lr": "step_size", "momentum": "mass", "nesterov": "nesterov"},
                 "optimizers.momentum({})", "optimizers.nesterov({})",
                 source="its signature in 0.10.2"),
        Spelling("tf1", RATE | USE_NESTEROV, "tf.compat.v1.train.MomentumOptimizer({})"),
        Spelling("tfjs", {"lr": "learningRate", "momentum": "momentum", "nesterov": "useNesterov"},
                 "tf.train.momentum({})"),
        Spelling("sonnet", RATE | USE_NESTEROV, "snt.optimizers.Momentum({})"),
        Spelling("flax", RATE | {"momentum": "beta"} | NESTEROV | DECAY, "flax.optim.Momentum({})",
                 defaults={"momentum": "0.9"}, source="google/flax, flax/optim/momentum.py"),
        Spelling("mindspore.momentum", RATE | USE_NESTEROV | DECAY, "nn.Momentum(params, {})"),
        Spelling("megengine", OWN | DECAY, "megengine.optimizer.SGD(params, {})", idle=True),
        Spelling("chainer.corrected", OWN | DECAY, "CorrectedMomentumSGD({})",
                 decay_call="{inner}; optimizer.add_hook(WeightDecay({weight_decay}))",
                 defaults={"momentum": "0.9"}, source="its source in 7.8.1"),
        Spelling("paddle", RATE | USE_NESTEROV | DECAY, "paddle.optimizer.Momentum({})",
                 defaults={"momentum": "0.9"}, source="its signature in 3.3.1"),
        Spelling("tinygrad", OWN | DECAY | NESTEROV, "SGD(params, {})", idle=True,
                 source="its signature in 0.14.0"),
        Spelling("mlx", RATE | DAMPENING | DECAY | NESTEROV, "mlx.optimizers.SGD({})", idle=True,
                 velocity='optimizer.state[...]["v"]', source="its signature in 0.32.4"),
        Spelling("heavyball", {"lr": "lr", "momentum": "beta"}, "heavyball.SGD(params, {})",
                 decay="before", defaults={"momentum": "0.9"}, source="its signature in 3.2.1"),
        Spelling("fastai", {"lr": "lr", "momentum": "mom", "weight_decay": "wd"},
                 "SGD(params, {})", decay="before", idle=True),
        Spelling("dfdx", OWN | NESTEROV | {"weight_decay": "WeightDecay::Decoupled"},
                 "SgdConfig {{ {} }}", decay="simultaneous"),
    ),
    takes=frozenset({"momentum", "dampening", "nesterov"}),
    forms=velocity_forms(factors),
    differences=difference_forms(factors),
    response=summed(lambda momentum, h, s: 1 - exact(h.dampening)),
    inverse=Inverse(rate_outside, shifts=shifts_outside),
)  # fmt: skip
