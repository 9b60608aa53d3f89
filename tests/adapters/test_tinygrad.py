"""tinygrad behind the face that the checks see."""

from importlib.util import find_spec

import numpy as np
import pytest

from momentum.adapters import load
from momentum.conventions import Hyper

if find_spec("tinygrad") is None:
    pytest.skip("tinygrad is not installed", allow_module_level=True)

TARGET = "tinygrad.nn.optim:SGD"
FEW = ("normal",)  # a step takes 20 ms on the device in pure Python


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_sgd_starts_at_zero(worst_ratio, dtype):
    assert worst_ratio(load(TARGET), "tinygrad", dtype, ("normal", "tiny")) <= 1


def test_classic_form_has_the_rate_inside(worst_ratio):
    subject = load(TARGET, {"classic": "True"})
    assert worst_ratio(subject, "tinygrad_classic", "float32", FEW) <= 1


def test_lars_without_trust_is_the_classic_form(worst_ratio):
    subject = load("tinygrad.nn.optim:LARS", {"tcoef": "0.0"})
    assert worst_ratio(subject, "tinygrad_classic", "float32", FEW) <= 1


def test_lars_with_trust_is_not(worst_ratio):
    subject = load("tinygrad.nn.optim:LARS", {"nesterov": "False", "weight_decay": "0.1"})
    assert worst_ratio(subject, "tinygrad_classic", "float32", FEW) > 1e3


def test_run_goes_on(goes_on):
    assert goes_on(load(TARGET), "resume", "float64")


def test_negative_rate_is_refused():
    with pytest.raises(ValueError, match="Invalid learning rate"):
        load(TARGET).start([np.ones(1)], [Hyper(-0.1)], "float32")


OWN = """
from tinygrad import Tensor
from tinygrad.nn.optim import Optimizer

class Own(Optimizer):
    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, lr)
        self.momentum = momentum
        self.v = [Tensor.zeros(*p.shape, dtype=p.dtype).contiguous() for p in self.params]

    def _step(self, params, grads):
        for v, g in zip(self.v, grads):
            v.assign(self.momentum * v + g)
        return [(self.lr * v).cast(v.dtype) for v in self.v], self.v
"""


def test_class_of_ones_own_goes_on(goes_on, tmp_path):
    """It holds its velocities, and its numbers, under names of its own."""
    (tmp_path / "own.py").write_text(OWN)
    assert goes_on(load(f"{tmp_path / 'own.py'}:Own"), "resume", "float64")
