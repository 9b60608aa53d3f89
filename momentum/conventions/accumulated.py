"""Velocity as a sum of gradients, started with the first one; learning rate outside."""

from momentum.arithmetic import exact
from momentum.arithmetic.number import Number
from momentum.conventions._convention import OUTSIDE, Convention, Hyper, Source
from momentum.conventions._forms import difference_forms, velocity_forms
from momentum.conventions._inverse import Inverse, rate_outside, shifts_outside
from momentum.conventions._response import summed
from momentum.conventions._rule import State
from momentum.conventions._speaker import (
    BUFFER,
    DAMPENING,
    DECAY,
    NESTEROV,
    OWN,
    SIGN,
    TORCH,
    Spelling,
)


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * theta
    v = d if state.step == 0 else h.momentum * state.v + (1 - h.dampening) * d
    update = d + h.momentum * v if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def factors(state: State, h: Hyper) -> tuple[Number, Number, Number]:
    return h.lr, 1, 1 if state.step == 0 else 1 - h.dampening


convention = Convention(
    name="accumulated",
    label="accum",
    rule=rule,
    words="the velocity starts with the first gradient, the learning rate outside of it",
    rate=OUTSIDE,
    dampening="honoured from the second step on: the first velocity is the whole gradient",
    alike={
        "zero_started": "accumulated and zero_started differ by dampening alone, which has no "
        "effect here"
    },
    source=Source("torch.optim.SGD, algorithm box; Sutskever et al. 2013 for the Nesterov form"),
    speakers=(
        Spelling("torch", TORCH | SIGN, "torch.optim.SGD(params, {})", idle=True, velocity=BUFFER,
                 source="its signature in 2.13.0"),
        Spelling("libtorch", TORCH, "torch::optim::SGDOptions{{{}}}", idle=True),
        Spelling("torch7", TORCH | {"lr": "learningRate", "weight_decay": "weightDecay"},
                 "optim.sgd(feval, x, {{{}}})", idle=True, defaults={"dampening": "momentum"},
                 source="torch/optim, sgd.lua"),
        Spelling("burn", TORCH, "SgdConfig {{ {} }}", dampened_nesterov=True, idle=True,
                 defaults={"momentum": "0.9", "dampening": "0.1"},
                 source="tracel-ai/burn, MomentumConfig"),
        Spelling("onnx", {"lr": "R", "momentum": "alpha", "dampening": "1 - beta",
                          "weight_decay": "norm_coefficient", "nesterov": "nesterov"},
                 "Momentum({}, mode='standard')", "Momentum({}, mode='nesterov')", kept="beta",
                 dampened_nesterov=True, velocity="V, from T = 1"),
        Spelling("mindspore", TORCH | {"lr": "learning_rate"}, "nn.SGD(params, {})"),
        Spelling("torchopt", TORCH | SIGN, "torchopt.sgd({})", idle=True,
                 source="its signature in 0.7.3"),
        Spelling("bitsandbytes", OWN | DECAY, "bnb.optim.SGD(params, {})", idle=True,
                 velocity='optimizer.state[p]["state1"]', source="its signature in 0.50.2"),
        Spelling("timm", TORCH | SIGN, "timm.optim.SGDW(params, {})", decay="before", idle=True,
                 velocity=BUFFER),
        Spelling("pytorch_optimizer", TORCH | SIGN, "pytorch_optimizer.SGDW(params, {})",
                 decay="before", dampened_nesterov=True, idle=True, velocity=BUFFER,
                 source="its signature in 4.1.0"),
        # torch_optimizer: it subtracts a constant where it means to decay, so decay is left out.
        Spelling("torch_optimizer", OWN | DAMPENING | NESTEROV, "torch_optimizer.SGDW(params, {})",
                 decay="before", idle=True, velocity=BUFFER, source="its signature in 0.3.0"),
    ),
    takes=frozenset({"momentum", "dampening", "nesterov"}),
    forms=velocity_forms(factors),
    differences=difference_forms(factors),
    response=summed(lambda momentum, h, s: 1 if s == 1 else 1 - exact(h.dampening)),
    inverse=Inverse(lambda w, nesterov, free: rate_outside(w, nesterov, free and not w.first),
                    seeded=True, shifts=shifts_outside),
)  # fmt: skip
