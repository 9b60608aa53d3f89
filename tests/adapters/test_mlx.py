"""MLX behind the face that the checks see."""

import numpy as np
import pytest

from momentum.adapters import load
from momentum.conventions import Hyper

pytest.importorskip("mlx.core", reason="MLX is not installed")

DTYPES = ("float32", "float64", "float16", "bfloat16")


@pytest.mark.parametrize("dtype", DTYPES)
def test_sgd_starts_at_zero(worst_ratio, dtype):
    assert worst_ratio(load("mlx.optimizers:SGD"), "mlx", dtype) <= 1


def test_sgd_dampens_its_first_step_unlike_torch():
    run = load("mlx.optimizers:SGD").start([np.zeros(1)], [Hyper(0.5, 0.5, 0.5)], "float64")
    run.step([np.ones(1)])
    assert float(run.parameters()[0][0]) == -0.25  # torch: -0.5


@pytest.mark.parametrize("how", ["resume", "deepcopy"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_run_goes_on(goes_on, how, dtype):
    assert goes_on(load("mlx.optimizers:SGD"), how, dtype)


def test_parameter_without_gradient_stays():
    run = load("mlx.optimizers:SGD").start([np.ones(1)] * 2, [Hyper(0.5, 0.5)], "float32")
    run.step([np.ones(1), None])
    assert [float(x[0]) for x in run.parameters()] == [0.5, 1.0]
