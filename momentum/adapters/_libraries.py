"""Arrays of the libraries that step functions are written for, and numbers there and back."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from momentum.adapters._cache import folder
from momentum.adapters._device import CPU
from momentum.errors import UsageError
from momentum.subjects.isolation import not_copied
from momentum.subjects.protocol import Array


class Claims(TypedDict, total=False):
    """Facts of whatever is computed with a library."""

    flushes_subnormals: bool
    compiles: bool
    largest: int


XLA: Claims = {
    "flushes_subnormals": True,  # it sets the processor to flush them
    "compiles": True,
}
"""Claims of what XLA carries out."""

FOUR = ("float32", "float64", "float16", "bfloat16")
"""The formats of a framework that has all of ours."""


class Library(NamedTuple):
    """One kind of arrays.

    dtypes: those that a trial may find to be kept. make(values, dtype): an array of its own memory.
    numbers(array): a float64 copy. owns(x): whether it is such an array. fill(array): write nan
    into it, None where arrays never change. dtype(x): the name of its dtype.
    claims: facts of whatever is computed with it. computed(x): an array that is a number at last.
    outside_of_graphs(): where steps are taken that change arrays which record gradients, None where
    no array has a gradient of its own. recording(x): an array that has. at_parameters(g): what such
    a one has of an array that is its gradient.
    """

    name: str
    dtypes: tuple[str, ...]
    make: Callable[[Any, str], Any]
    numbers: Callable[[Any], Array]
    owns: Callable[[Any], bool]
    fill: Callable[[Any], Any] | None
    claims: Claims = {}
    dtype: Callable[[Any], str] = lambda x: str(x.dtype).rpartition(".")[2]
    computed: Callable[[Any], Any] = lambda x: x
    outside_of_graphs: Callable[[], AbstractContextManager[object]] | None = None
    recording: Callable[[Any], Any] = lambda x: x
    at_parameters: Callable[[Any], Any] = lambda g: g


def numpy() -> Library:
    """NumPy's own; bfloat16, which it does not have, is no more than possible."""

    def make(values: object, dtype: str) -> NDArray[np.floating]:
        if dtype == "bfloat16":
            # Optional, and not there where the types are checked.
            import ml_dtypes  # type: ignore[import-not-found,unused-ignore]

            return np.array(values, dtype=ml_dtypes.bfloat16)
        return np.array(values, dtype=dtype)

    return Library(
        "numpy",
        ("float32", "float64", "float16"),
        make,
        lambda x: np.array(x, dtype=np.float64),
        lambda x: isinstance(x, np.ndarray | np.generic),
        lambda x: x.fill(np.nan),
    )


def torch(device: str = CPU) -> Library:
    """Tensors outside of any graph, on one thread: the same rounding in every run."""
    import torch

    from momentum.adapters._torch_tensors import DTYPES, array, tensor

    torch.set_num_threads(1)
    if device != CPU:
        not_copied()  # trials compute in this process, too
    return Library(
        "torch",
        tuple(DTYPES),
        lambda values, dtype: tensor(values, DTYPES[dtype], device=device),
        array,
        lambda x: isinstance(x, torch.Tensor),
        lambda x: x.detach().fill_(float("nan")),
        outside_of_graphs=torch.no_grad,
        recording=lambda x: x.requires_grad_(),
    )


def jax() -> Library:
    """JAX with 64 bits."""
    # Several processes share a device; the first is not to take three quarters of its memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax

    # JAX turns float64 into float32 unasked where it is not told that there are 64 bits.
    jax.config.update("jax_enable_x64", True)
    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(folder("jax")))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

    def make(values: object, dtype: str) -> Any:
        not_copied()  # with the first array come threads, which a fork would lack and wait for
        # Converted by NumPy: XLA would compile that for each shape, and flush subnormals.
        return jax.device_put(np.array(values, np.dtype(dtype)))

    return Library(
        "jax",
        FOUR,
        make,
        lambda x: np.asarray(x).astype(np.float64),
        lambda x: isinstance(x, jax.Array),
        None,
        claims=XLA,
    )


def mlx() -> Library:
    """MLX on the CPU, which alone has float64."""
    import mlx.core as mx

    mx.set_default_device(mx.cpu)
    return Library(
        "mlx",
        FOUR,
        lambda values, dtype: mx.array(values, dtype=getattr(mx, dtype)),
        lambda x: np.array(x.astype(mx.float64)),
        lambda x: isinstance(x, mx.array),
        None,
        claims={"compiles": True},
    )


def tensorflow() -> Library:
    """TensorFlow's tensors, which never change."""
    import tensorflow as tf

    not_copied()  # its threads do not outlive a fork, and it waits for them
    return Library(
        "tensorflow",
        FOUR,
        # Converted by NumPy, here and back: it flushes subnormals.
        lambda values, dtype: tf.constant(np.array(values, getattr(tf, dtype).as_numpy_dtype)),
        lambda x: np.asarray(x.numpy()).astype(np.float64),
        lambda x: isinstance(x, tf.Tensor),
        None,
        claims=XLA,
        dtype=lambda x: str(x.dtype.name),
    )


def tensorflow_variables() -> Library:
    """TensorFlow's variables, which a step assigns to."""
    import tensorflow as tf

    tensors = tensorflow()
    return tensors._replace(
        make=lambda values, dtype: tf.Variable(tensors.make(values, dtype)),
        owns=lambda x: isinstance(x, tf.Tensor | tf.Variable),
    )


def tinygrad() -> Library:
    """tinygrad's tensors, which are computed when somebody asks."""
    from momentum.adapters.tinygrad import library

    return library()


_MADE = {"numpy": numpy, "jax": jax, "torch": torch, "mlx": mlx, "tensorflow": tensorflow,
         "tinygrad": tinygrad, "variables of tensorflow": tensorflow_variables}  # fmt: skip
_SIGNS = {
    "tinygrad": ("tinygrad",),
    "tensorflow": ("tensorflow", "tf.Tensor", "tf.Variable"),
    "torch": ("torch", "Tensor"),
    "jax": ("jax",),
    "mlx": ("mlx", "mx.array"),
    "numpy": ("numpy", "NDArray", "ndarray"),
}
THREADED = frozenset({"jax", "tensorflow"})
"""Modules whose threads do not outlive a fork."""


def libraries(annotations: str, device: str = CPU) -> list[Library]:
    """Those that a function may be written for, the likeliest first.

    One that is named in the function's annotations; else NumPy, and what else is imported. torch
    alone where a device of it is named.
    """
    if device != CPU:
        return [torch(device)]
    said = [n for n, signs in _SIGNS.items() if any(sign in annotations for sign in signs)]
    there = [n for n in _MADE if n == "numpy" or n.rpartition(" ")[2] in sys.modules]
    found = [n for n in there if not said or n.rpartition(" ")[2] == said[0]]
    if not found:
        raise UsageError(
            f"arrays of {annotations} are not known: wanted those of {', '.join(there)}"
        )
    return [_MADE[n]() for n in found]
