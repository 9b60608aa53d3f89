"""Every framework's optimizer loads by each of its names, first of all in a fresh process."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from momentum.adapters import load

PLACES = ("optax.sgd", "torchopt.sgd", "keras.optimizers.SGD", "river.optim.Momentum",
          "chainer.optimizers.MomentumSGD", "paddle.optimizer.Momentum", "mlx.optimizers.SGD",
          "tinygrad.nn.optim.SGD", "timm.optim.SGDW", "timm.optim.sgdw.SGDW", "optimi.SGD",
          "bitsandbytes.optim.SGD", "heavyball.SGD", "pytorch_optimizer.SGDW",
          "torch_optimizer.SGDW", "onnx.reference.ReferenceEvaluator",
          "jax.example_libraries.optimizers.momentum")  # fmt: skip


def names(place):
    """A dotted name, and the same with a colon in place of each dot."""
    parts = place.split(".")
    return [place, *(".".join(parts[:n]) + ":" + ".".join(parts[n:]) for n in range(1, len(parts)))]


@pytest.mark.parametrize("place", PLACES)
def test_optimizer_loads_however_it_is_named(place):
    if find_spec(place.partition(".")[0]) is None:
        pytest.skip(f"{place} is not installed")
    code = "import sys, momentum; [momentum.load(name) for name in sys.argv[1:]]"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, *names(place)],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_functions_of_torchopt_are_not_taken_for_those_of_optax():
    pytest.importorskip("optax")
    pytest.importorskip("torchopt")
    assert load("torchopt:sgd").facts.none_gradients
    assert not load("optax:sgd").facts.none_gradients
