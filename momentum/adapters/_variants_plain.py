"""Optimizers that no adapter takes as they are, each as an implementation of one's own."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from momentum.adapters._libraries import XLA
from momentum.adapters.plain import PlainSubject, plain_subject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient


class Nnx:
    """flax.nnx.Optimizer around optax.sgd; its parameters are those of a module."""

    def __init__(self, parameters: Sequence[Array], hyper: Hyper, dtype: str) -> None:
        jax, optax, nnx = map(import_module, ("jax", "optax", "flax.nnx"))
        jax.config.update("jax_enable_x64", True)
        self.jax, self.nnx, self.dtype = jax, nnx, dtype
        self.module = nnx.Module()
        arrays = [nnx.Param(jax.numpy.array(x, dtype)) for x in parameters]
        self.module.held = nnx.List(arrays)
        rule = optax.sgd(hyper.lr, hyper.momentum, hyper.nesterov)
        self.optimizer = nnx.Optimizer(self.module, rule, wrt=nnx.Param)

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step."""
        tree = self.jax.tree.structure(self.nnx.state(self.module, self.nnx.Param))
        arrays = [self.jax.numpy.array(g, self.dtype) for g in gradients]
        self.optimizer.update(self.module, self.jax.tree.unflatten(tree, arrays))

    def parameters(self) -> Sequence[ArrayLike]:
        """The module's arrays."""
        return [np.asarray(p[...]) for p in self.module.held]


class Autograd:
    """autograd.misc.optimizers.sgd, a whole loop: run anew for each step, on the gradients so far.

    It calls its gradient with the parameters and the number of the step.
    """

    def __init__(self, parameters: Sequence[Array], hyper: Hyper, dtype: str) -> None:
        self.start = [x.astype(dtype) for x in parameters]
        self.now, self.hyper, self.dtype = list(self.start), hyper, dtype
        self.fed: list[list[Any]] = []

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step more."""
        sgd = import_module("autograd.misc.optimizers").sgd
        self.fed.append([np.asarray(g, self.dtype) for g in gradients])
        rates = {"step_size": self.hyper.lr, "mass": self.hyper.momentum}

        def grown(k: int, x: object) -> Any:
            return sgd(lambda x, t: self.fed[t][k], x, num_iters=len(self.fed), **rates)

        self.now = [grown(k, x) for k, x in enumerate(self.start)]

    def parameters(self) -> Sequence[ArrayLike]:
        """Where the last loop ended."""
        return self.now


class TensorFlow1:
    """tf.compat.v1.train.MomentumOptimizer on variables, eagerly; its rate is a function."""

    def __init__(self, parameters: Sequence[Array], hyper: Hyper, dtype: str) -> None:
        self.tf, self.dtype, self.hyper = import_module("tensorflow"), dtype, hyper
        self.variables = [self.tf.Variable(x.astype(dtype)) for x in parameters]
        self.optimizer = self.tf.compat.v1.train.MomentumOptimizer(
            lambda: self._number(self.hyper.lr),
            lambda: self._number(self.hyper.momentum),
            use_nesterov=hyper.nesterov,
        )

    def _number(self, x: float) -> float:
        # tensorflow: a Python float is a float32; whoever trains in float64 has to say more.
        return np.float64(x) if self.dtype == "float64" else x

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step."""
        arrays = [None if g is None else self.tf.constant(g.astype(self.dtype)) for g in gradients]
        self.optimizer.apply_gradients(zip(arrays, self.variables))

    def set(self, hyper: Hyper) -> None:
        """New numbers from the next step on."""
        self.hyper = hyper

    def parameters(self) -> Sequence[ArrayLike]:
        """The variables' values."""
        return [x.numpy() for x in self.variables]


_ON_XLA: Mapping[str, Any] = {"hyper": ("lr", "momentum", "nesterov"), **XLA}
_SUBJECTS: Mapping[str, Callable[[], PlainSubject]] = {
    "nnx": lambda: plain_subject(Nnx, name="flax nnx", **_ON_XLA),
    "autograd": lambda: plain_subject(Autograd, name="autograd", scalars=False),  # it flattens
    "tensorflow1": lambda: plain_subject(TensorFlow1, name="tensorflow v1", **_ON_XLA),
}


def __getattr__(name: str) -> PlainSubject:
    """The subjects of these names, made where they are asked for: their trials need libraries."""
    if name in _SUBJECTS:
        return _SUBJECTS[name]()
    raise AttributeError(name)
