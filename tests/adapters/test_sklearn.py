"""scikit-learn's optimizer behind the face that the checks see."""

import numpy as np
import pytest

from momentum.adapters import load
from momentum.conventions import Hyper
from momentum.errors import UsageError

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

TARGET = "sklearn.neural_network._stochastic_optimizers:SGDOptimizer"


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_rate_is_inside_the_velocity(worst_ratio, dtype):
    assert worst_ratio(load(TARGET), "sklearn", dtype) <= 1


def test_rate_is_not_outside(worst_ratio):
    assert worst_ratio(load(TARGET), "optax", "float32") > 1e3


@pytest.mark.parametrize("how", ["resume", "deepcopy", "pickle"])
def test_run_goes_on(goes_on, how):
    assert goes_on(load(TARGET), how, "float64")


def test_numpy_scalar_is_a_parameter_too():
    run = load(TARGET).start([np.float64(1.0)], [Hyper(0.5, 0.5)], "float32")
    run.step([np.float64(1.0)])
    assert float(run.parameters()[0]) == 0.5


def test_parameters_stay_in_their_memory():
    run = load(TARGET).start([np.ones(3)], [Hyper(0.5, 0.5)], "float32")
    before = run.storage()
    run.step([np.ones(3)])
    assert run.storage() == before


def test_unknown_argument_is_refused():
    with pytest.raises(UsageError, match="takes no 'dampening'"):
        load(TARGET, {"dampening": "0.5"})


def test_set_leaves_the_rate_of_the_constructor():
    """scikit-learn's own schedules write `learning_rate` and read `learning_rate_init`."""
    run = load(TARGET).start([np.ones(2)], [Hyper(0.5, 0.5)], "float64")
    run.set(Hyper(0.125, 0.5))
    assert (run.optimizer.learning_rate, run.optimizer.learning_rate_init) == (0.125, 0.5)
