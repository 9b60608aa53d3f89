"""How a framework says it: the hyper-parameters that its API has, their names, and its call.

A convention is a rule; a speaker may know less than its rule does. JAX's example optimizers have
no weight decay and no dampening, and torch refuses dampening together with nesterov, so a
conversion into them has fewer numbers to turn.
Names and defaults were compared with the signatures of torch 2.13, torchopt, bitsandbytes,
pytorch_optimizer, torch_optimizer, optax, jax, keras 3, scikit-learn, tinygrad, mlx, heavyball and
river as installed. The others are written from memory of their documentation and unchecked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from momentum.conventions import CONVENTIONS, SPEAKERS, Convention, get
from momentum.conventions.hyper import NAMES, NUMBERS


@dataclass(frozen=True)
class Speaker:
    """One way to spell a convention.

    names: own spelling of each hyper-parameter that the API has, and of no other. call: how it is
    written, `{}` for the arguments or `{lr}` for one. nesterov_call: where Nesterov's form has a
    call of its own. decay_call: where weight decay is another piece, around `{inner}`. kept: name
    that holds 1 - dampening instead. dampened_nesterov: both may be set. idle: velocity and state
    stand still while momentum is 0. velocity: where the state keeps it. explicit: names that are
    written even when off, because the framework's own default is another.
    """

    name: str
    convention: Convention
    names: Mapping[str, str]
    call: str
    nesterov_call: str = ""
    decay_call: str = ""
    kept: str = ""
    dampened_nesterov: bool = False
    idle: bool = False
    velocity: str = "its velocity"
    explicit: frozenset[str] = frozenset()

    def takes(self, name: str) -> bool:
        """Whether the API has this hyper-parameter."""
        return name in self.names

    def canonical(self, spelling: str) -> str:
        """The name of a hyper-parameter from either spelling.

        Raises: ValueError, naming the known ones.
        """
        if spelling == self.kept:
            return "kept"
        for name, own in self.names.items():
            if spelling in (name, own):
                return name
        known = ", ".join(self.names.values())
        raise ValueError(f"{self.name} has no {spelling}: known are {known}")


_OWN = {"lr": "lr", "momentum": "momentum"}
_RATE = {"lr": "learning_rate", "momentum": "momentum"}
_NESTEROV = {"nesterov": "nesterov"}
_DECAY = {"weight_decay": "weight_decay"}
_TORCH = _OWN | {"dampening": "dampening"} | _DECAY | _NESTEROV
_BUFFER = 'optimizer.state[p]["momentum_buffer"]'
_SIGN = {"maximize": "maximize"}
_OPTAX_DECAY = "optax.chain(optax.add_decayed_weights({weight_decay}), {inner})"


def _speaker(
    name: str,
    names: Mapping[str, str],
    call: str,
    nesterov_call: str = "",
    *,
    decay_call: str = "",
    kept: str = "",
    dampened_nesterov: bool = False,
    idle: bool = False,
    velocity: str = "its velocity",
    explicit: str = "",
) -> Speaker:
    return Speaker(
        name, SPEAKERS[name], names, call, nesterov_call, decay_call, kept,
        dampened_nesterov, idle, velocity, frozenset(explicit.split()),
    )  # fmt: skip


def _spelled(*speakers: Speaker) -> dict[str, Speaker]:
    return {speaker.name: speaker for speaker in speakers}


_TABLE: dict[str, Speaker] = _spelled(
    _speaker("torch", _TORCH | _SIGN, "torch.optim.SGD(params, {})", idle=True, velocity=_BUFFER),
    _speaker("libtorch", _TORCH, "torch::optim::SGDOptions{{{}}}", idle=True),
    _speaker("torch7", _TORCH | {"lr": "learningRate", "weight_decay": "weightDecay"},
             "optim.sgd(feval, x, {{{}}})", idle=True, explicit="dampening"),
    _speaker("burn", _TORCH, "SgdConfig {{ {} }}", dampened_nesterov=True, idle=True,
             explicit="dampening"),
    _speaker("onnx", {"lr": "R", "momentum": "alpha", "dampening": "1 - beta",
                      "weight_decay": "norm_coefficient", "nesterov": "nesterov"},
             "Momentum({}, mode='standard')", "Momentum({}, mode='nesterov')", kept="beta",
             dampened_nesterov=True, velocity="V, from T = 1"),
    _speaker("mindspore", _TORCH | {"lr": "learning_rate"}, "nn.SGD(params, {})"),
    _speaker("torchopt", _TORCH | _SIGN, "torchopt.sgd({})", idle=True),
    _speaker("bitsandbytes", _OWN | _DECAY, "bnb.optim.SGD(params, {})", idle=True,
             velocity='optimizer.state[p]["state1"]'),
    _speaker("timm", _TORCH | _SIGN, "timm.optim.SGDW(params, {})", idle=True, velocity=_BUFFER),
    _speaker("pytorch_optimizer", _TORCH | _SIGN, "pytorch_optimizer.SGDW(params, {})",
             dampened_nesterov=True, idle=True, velocity=_BUFFER),
    # torch_optimizer: its SGDW subtracts a constant where it means to decay, so decay is left out.
    _speaker("torch_optimizer", _OWN | {"dampening": "dampening"} | _NESTEROV,
             "torch_optimizer.SGDW(params, {})", idle=True, velocity=_BUFFER),
    _speaker("optax", _RATE | _NESTEROV | _DECAY, "optax.sgd({})",
             decay_call=_OPTAX_DECAY,
             velocity="TraceState.trace"),
    _speaker("jax", {"lr": "step_size", "momentum": "mass", "nesterov": "nesterov"},
             "optimizers.momentum({})", "optimizers.nesterov({})"),
    _speaker("tf1", _RATE | {"nesterov": "use_nesterov"},
             "tf.compat.v1.train.MomentumOptimizer({})"),
    _speaker("tfjs", {"lr": "learningRate", "momentum": "momentum", "nesterov": "useNesterov"},
             "tf.train.momentum({})"),
    _speaker("sonnet", _RATE | {"nesterov": "use_nesterov"}, "snt.optimizers.Momentum({})"),
    _speaker("flax", _RATE | {"momentum": "beta"} | _NESTEROV | _DECAY, "flax.optim.Momentum({})"),
    _speaker("paddle", _RATE | {"nesterov": "use_nesterov"} | _DECAY,
             "paddle.optimizer.Momentum({})"),
    _speaker("mindspore.momentum", _RATE | {"nesterov": "use_nesterov"} | _DECAY,
             "nn.Momentum(params, {})"),
    _speaker("tinygrad", _OWN | _DECAY | _NESTEROV, "SGD(params, {})", idle=True),
    _speaker("mlx", _RATE | {"dampening": "dampening"} | _DECAY | _NESTEROV,
             "mlx.optimizers.SGD({})", idle=True, velocity='optimizer.state[...]["v"]'),
    _speaker("heavyball", {"lr": "lr", "momentum": "beta"}, "heavyball.SGD(params, {})"),
    _speaker("fastai", {"lr": "lr", "momentum": "mom", "weight_decay": "wd"}, "SGD(params, {})",
             idle=True),
    _speaker("dfdx", _OWN | _NESTEROV | {"weight_decay": "WeightDecay::Decoupled"},
             "SgdConfig {{ {} }}"),
    _speaker("megengine", _OWN | _DECAY, "megengine.optimizer.SGD(params, {})", idle=True),
    _speaker("chainer.corrected", _OWN | _DECAY, "CorrectedMomentumSGD({})",
             decay_call="{inner}; optimizer.add_hook(WeightDecay({weight_decay}))"),
    _speaker("d2l", _OWN, "sgd_momentum(params, states, dict({}))", velocity="states"),
    _speaker("article", _OWN, "sgd_momentum(params, states, dict({}))", velocity="states"),
    _speaker("keras", _RATE | _NESTEROV | _DECAY, "keras.optimizers.SGD({})", idle=True,
             velocity="optimizer.momentums"),
    _speaker("keras2", _RATE | _NESTEROV, "tf.keras.optimizers.legacy.SGD({})", idle=True),
    _speaker("caffe", {"lr": "base_lr", "momentum": "momentum"} | _DECAY | _NESTEROV,
             'type="SGD", {}', 'type="Nesterov", {}'),
    _speaker("caffe2", _OWN | _NESTEROV, "MomentumSGDUpdate({})"),
    _speaker("mxnet", _RATE | {"weight_decay": "wd", "nesterov": "nesterov"},
             "mx.optimizer.SGD({})", "mx.optimizer.NAG({})", idle=True),
    # scikit-learn: the estimators' alpha is divided by the samples of a batch and spares biases.
    _speaker("sklearn", {"lr": "learning_rate_init", "momentum": "momentum",
                         "nesterov": "nesterovs_momentum"}, 'MLPRegressor(solver="sgd", {})',
             explicit="nesterov"),
    # Chainer: NesterovAG takes the wrong velocity, so Nesterov's form is left out.
    _speaker("chainer", _OWN | _DECAY, "MomentumSGD({})",
             decay_call="{inner}; optimizer.add_hook(WeightDecay({weight_decay}))"),
    _speaker("flux", {"lr": "eta", "momentum": "rho"} | _DECAY | _NESTEROV,
             "Momentum({})", "Nesterov({})",
             decay_call="OptimiserChain(WeightDecay({weight_decay}), {inner})"),
    _speaker("lasagne", _RATE | _NESTEROV, "lasagne.updates.momentum(loss, params, {})",
             "lasagne.updates.nesterov_momentum(loss, params, {})"),
    _speaker("dlib", {"lr": "learning_rate", "momentum": "momentum"} | _DECAY, "sgd({})"),
    _speaker("tinygrad_classic", _OWN | _DECAY | _NESTEROV, "SGD(params, {}, classic=True)",
             idle=True),
    _speaker("neon", _RATE | _DECAY | _NESTEROV, "GradientDescentMomentum({})", idle=True),
    _speaker("nnabla", _OWN | _DECAY | _NESTEROV, "S.Momentum({})", "S.Nesterov({})",
             decay_call="{inner}; solver.weight_decay({weight_decay})"),
    _speaker("tiny-dnn", {"lr": "alpha", "momentum": "mu", "weight_decay": "lambda",
                          "nesterov": "nesterov"}, "momentum{{{}}}", "nesterov_momentum{{{}}}"),
    _speaker("mlpack", {"lr": "stepSize", "momentum": "momentum", "nesterov": "nesterov"},
             "MomentumSGD({})", "NesterovMomentumSGD({})"),
    _speaker("pylearn2", _RATE | {"nesterov": "nesterov_momentum"}, "Momentum({})"),
    _speaker("blocks", _RATE, "Momentum({})"),
    _speaker("brain.js", {"lr": "learningRate", "momentum": "momentum"},
             "new NeuralNetwork({{{}}})"),
    _speaker("river.momentum", {"lr": "lr", "momentum": "rho"}, "river.optim.Momentum({})"),
    _speaker("oneflow", _OWN | _DECAY, "flow.optim.SGD(params, {})"),
    _speaker("ng", {"lr": "alpha", "momentum": "beta"},
             "v = {momentum} v + (1 - {momentum}) g; x = x - {lr} v"),
    _speaker("optax.ema", {"lr": "learning_rate", "momentum": "decay"} | _DECAY,
             "optax.chain(optax.ema({momentum}, debias=False), "
             "optax.scale_by_learning_rate({lr}))", decay_call=_OPTAX_DECAY),
    _speaker("optax.ema_debiased", {"lr": "learning_rate", "momentum": "decay"} | _DECAY,
             "optax.chain(optax.ema({momentum}), optax.scale_by_learning_rate({lr}))",
             decay_call=_OPTAX_DECAY),
    _speaker("muon", _OWN | _NESTEROV, "Muon's momentum stage, {}"),
    _speaker("qhm", _OWN | {"nu": "nu"} | _DECAY,
             "torch_optimizer.QHM(params, {}, weight_decay_type='grad')", explicit="nu"),
    _speaker("qhoptim", _OWN | {"nu": "nu"} | _DECAY,
             "qhoptim.pyt.QHM(params, {}, weight_decay_type='grad')", explicit="nu"),
    _speaker("polyak", _OWN | _DECAY, "the paper's iteration, {}", velocity="x_previous"),
    _speaker("torch7.nag", {"lr": "learningRate", "momentum": "momentum",
                            "weight_decay": "weightDecay"}, "optim.nag(feval, x, {{{}}})"),
    _speaker("river", {"lr": "lr", "momentum": "rho"}, "river.optim.NesterovMomentum({})"),
    _speaker("sutskever", _OWN, "the paper's iteration, {}"),
)  # fmt: skip

ALIASES = {"scikit-learn": "sklearn", "tensorflow1": "tf1", "pytorch": "torch", "sutskever2013":
           "sutskever", "the-article": "article", "optimisers.jl": "flux"}  # fmt: skip


def speaker(which: "str | Convention | Speaker") -> Speaker:
    """A speaker by name; a convention speaks with all hyper-parameters that its rule has.

    Raises: ValueError for an unknown name.
    """
    if isinstance(which, Speaker):
        return which
    if isinstance(which, str):
        which = ALIASES.get(which.lower(), which)
        if which in _TABLE:
            return _TABLE[which]
    convention = get(which)
    names = {name: name for name in (*NUMBERS, *NAMES) if name in convention.knows}
    return Speaker(
        convention.full_name, convention, names, f"{convention.full_name}({{}})",
        dampened_nesterov=True,
    )  # fmt: skip


def speakers() -> tuple[str, ...]:
    """Every name that `speaker` knows, conventions first."""
    return (*CONVENTIONS, *SPEAKERS)
