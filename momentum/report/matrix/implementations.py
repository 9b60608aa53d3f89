"""The implementations that the matrix knows: where each is, and which convention it claims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path

from momentum.conventions import CONVENTIONS

KNOWN = Path(__file__).with_name("expected")


@dataclass(frozen=True)
class Implementation:
    """One implementation of SGD with momentum.

    target, settings: as the command `check` takes them. convention: its own. distribution: what
    installs it. module: what must be importable, the first part of `target` by default.
    environment: variables that it reads when it is imported. dtypes: all it claims where empty.
    unchecked: why the checks are not run and the conventions alone are compared; empty where they
    are. released: versions that no package tells. here: whether a program can be run. known: the
    folder of its known failures.
    """

    name: str
    target: str
    convention: str
    distribution: str
    settings: Mapping[str, str] = field(default_factory=dict)
    module: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    unchecked: str = ""
    released: Mapping[str, str] = field(default_factory=dict)
    here: bool = True
    known: Path = KNOWN

    @property
    def installed(self) -> bool:
        """Whether it can be imported or run; nothing is."""
        if self.target.startswith("process:"):
            return self.here
        return all(
            util.find_spec(name) is not None
            for name in (self.module or self.target).partition(":")[0].split(".")[:1]
        )

    @property
    def versions(self) -> dict[str, str]:
        """The version of its distribution, and of the backend that its name says."""
        found = dict(self.released)
        for name in () if self.released else self.distribution.split():
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = "?"
        return found


_JAX = {"JAX_PLATFORMS": "cpu"}
_SGD = "torch.optim:SGD"
_OURS = "momentum.sgd:MomentumSGD"
_BITSANDBYTES = "momentum.adapters._variants:bitsandbytes_sgd"
_DERIVED = "its own hyper-parameters are computed from the convention's, which rounds them"
_COMPILED = "every new shape and hyper-parameter is compiled anew, which takes seconds each"


def _torch(name: str, settings: Mapping[str, str]) -> Implementation:
    return Implementation(f"torch {name}", _SGD, "accumulated", "torch", settings)


def _keras(backend: str) -> Implementation:
    also = "" if backend == "numpy" else f" {backend}"
    return Implementation(
        f"keras on {backend}",
        "keras.optimizers:SGD",
        "scaled:before",
        f"keras{also}",
        environment={"KERAS_BACKEND": backend, **_JAX},
    )


def _chainer(name: str, convention: str) -> Implementation:
    return Implementation(f"chainer {name}", f"chainer.optimizers:{name}", convention, "chainer")


IMPLEMENTATIONS: Mapping[str, Implementation] = {
    one.name: one
    for one in (
        _torch("single", {"foreach": "False"}),
        _torch("foreach", {"foreach": "True"}),
        _torch("fused", {"fused": "True"}),
        Implementation(
            "torch compiled", "momentum.adapters._variants:compiled_sgd", "accumulated", "torch",
            module="torch", unchecked=_COMPILED,
        ),
        *(
            Implementation(
                f"momentum {name}", _OURS, name, "torch",
                {"convention": repr(name)}, module="torch",
            )
            for name in CONVENTIONS
        ),
        Implementation("optax", "optax:sgd", "zero_started", "optax jax", environment=_JAX),
        Implementation(
            "optax jit", "optax:sgd", "zero_started", "optax jax", {"jit": "True"},
            environment=_JAX,
        ),
        Implementation(
            "jax momentum", "jax.example_libraries.optimizers:momentum", "zero_started", "jax",
            environment=_JAX,
        ),
        Implementation(
            "jax nesterov", "jax.example_libraries.optimizers:nesterov", "zero_started", "jax",
            environment=_JAX,
        ),
        *(_keras(backend) for backend in ("jax", "torch", "numpy", "tensorflow")),
        Implementation(
            "scikit-learn", "sklearn.neural_network._stochastic_optimizers:SGDOptimizer", "scaled",
            "scikit-learn",
        ),
        Implementation("tinygrad", "tinygrad.nn.optim:SGD", "zero_started", "tinygrad"),
        Implementation(
            "tinygrad classic", "tinygrad.nn.optim:SGD", "scaled", "tinygrad",
            {"classic": "True"},
        ),
        Implementation("mlx", "mlx.optimizers:SGD", "zero_started", "mlx"),
        Implementation(
            "pytorch_optimizer SGDW", "pytorch_optimizer:SGDW", "accumulated:before",
            "pytorch_optimizer",
        ),
        Implementation(
            "torch_optimizer SGDW", "torch_optimizer:SGDW", "accumulated:before",
            "torch-optimizer",
        ),
        Implementation(
            "torch_optimizer QHM", "torch_optimizer:QHM", "quasi_hyperbolic", "torch-optimizer"
        ),
        Implementation(
            "torch_optimizer AggMo", "momentum.adapters._variants:aggmo", "zero_started",
            "torch-optimizer", module="torch_optimizer",
        ),
        Implementation(
            "torch_optimizer AccSGD", "momentum.adapters._variants:accsgd", "quasi_hyperbolic",
            "torch-optimizer", {"nu": "0.5"}, module="torch_optimizer", unchecked=_DERIVED,
        ),
        Implementation("timm SGDW", "timm.optim.sgdw:SGDW", "accumulated:before", "timm"),
        Implementation("torchopt", "torchopt:sgd", "accumulated", "torchopt"),
        Implementation(
            "bitsandbytes plain", _BITSANDBYTES, "accumulated", "bitsandbytes",
            {"nesterov": "False"}, module="bitsandbytes",
        ),
        Implementation(
            "bitsandbytes nesterov", _BITSANDBYTES, "accumulated", "bitsandbytes",
            {"nesterov": "True"}, module="bitsandbytes",
        ),
        Implementation(
            "heavyball", "heavyball:SGD", "zero_started:before", "heavyball",
            environment={"TORCHDYNAMO_DISABLE": "1"},
            dtypes=("float32", "float64", "float16"),  # bfloat16 is rounded at random on purpose
        ),
        *(
            _chainer(name, convention)
            for name, convention in (
                ("MomentumSGD", "scaled"),
                ("CorrectedMomentumSGD", "zero_started"),
                ("NesterovAG", "scaled"),
            )
        ),
        Implementation("paddle", "paddle.optimizer:Momentum", "zero_started", "paddlepaddle"),
        Implementation("river Momentum", "river.optim:Momentum", "scaled", "river"),
        Implementation(
            "river NesterovMomentum", "river.optim:NesterovMomentum", "look_ahead", "river"
        ),
        *(
            Implementation(
                name, f"momentum.adapters._variants:{factory}", "accumulated", distribution,
                module=distribution.partition(" ")[0],
            )
            for name, factory, distribution in (
                ("accelerate", "accelerated_sgd", "accelerate torch"),
                ("lightning fabric", "fabric_sgd", "lightning torch"),
                ("torch zero redundancy", "zero_redundancy_sgd", "torch"),
            )
        ),
        Implementation("torch-optimi", "optimi:SGD", "zero_started", "torch-optimi"),
        *(
            Implementation(
                name, f"momentum.adapters._variants_plain:{subject}", convention, distribution,
                module=module, environment=_JAX,
            )
            for name, subject, convention, distribution, module in (
                ("flax nnx", "nnx", "zero_started", "flax optax jax", "flax"),
                ("autograd", "autograd", "averaged", "autograd", "autograd"),
                ("tensorflow v1", "tensorflow1", "zero_started", "tensorflow-cpu", "tensorflow"),
            )
        ),
        Implementation(
            "onnx reference", "onnx.reference:ReferenceEvaluator", "accumulated", "onnx",
            dtypes=("float32",),  # the format keeps attributes in float32
        ),
    )
}  # fmt: skip
"""By name, in the order of the tables."""
