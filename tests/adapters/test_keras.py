"""Keras behind the face that the checks see, each backend in a process of its own."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

if find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)

NEEDS = {"jax": "jax", "torch": "torch", "numpy": "jax", "tensorflow": "tensorflow"}
"""Backends, and what each imports: that of NumPy borrows from JAX."""

BACKENDS = [backend for backend, module in NEEDS.items() if find_spec(module) is not None]
DTYPES = ("float32", "float64", "float16", "bfloat16")

# Keras has one backend a process.
DRIVEN = """
import json, sys, warnings
sys.path.insert(0, "tests/adapters")
warnings.simplefilter("ignore")
import conftest
import numpy as np
from momentum.adapters import load
from momentum.conventions import Hyper
subject = load("keras.optimizers:SGD")

import keras
from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.runner.one_check import run_check

class Late(keras.optimizers.SGD):
    def _get_current_learning_rate(self):
        if not callable(self._learning_rate):
            return super()._get_current_learning_rate()
        return self._learning_rate(keras.ops.maximum(self.iterations - 1, 0))

class Named(keras.optimizers.SGD):
    def _get_variable_index(self, variable):
        return [v.name for v in self._trainable_variables].index(variable.name)

class Other(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.1, momentum=0.0, **more):
        super().__init__(learning_rate, **more)
        self.mu = momentum

def verdict(name, subject):
    return run_check(CHECKS[name], subject, get("keras"), "float32", "quick", shrinks=0).verdict

def on_schedule(subject):
    return verdict("own_schedules_are_rates_set_by_hand", subject)

def named_alike(subject):
    return verdict("names_may_be_shared", subject)

worst = lambda convention, dtype: conftest.worst_ratio.__wrapped__()(subject, convention, dtype)
goes_on = conftest.goes_on.__wrapped__()
run = subject.start([np.ones(1)], [Hyper(0.5)], "float32")
for decay in (0.0, 0.5, 0.0):
    run.set(Hyper(0.5, weight_decay=decay))
    run.step([np.zeros(1)])
from momentum.adapters import adapt
print(json.dumps({
    "on_schedule": [on_schedule(subject), on_schedule(adapt(Late, {}, "Late"))],
    "named_alike": [named_alike(subject), named_alike(adapt(Named, {}, "Named"))],
    "settable": [sorted(s.facts.settable) for s in (subject, adapt(Other, {}, "Other"))],
    "decayed": float(run.parameters()[0][0]),
    "own": {dtype: worst("keras", dtype) for dtype in subject.facts.dtypes},
    "other": worst("torch:before", "float32"),
    "goes_on": {dtype: goes_on(subject, "resume", dtype) for dtype in ("float32", "float64")},
}))
"""


@pytest.fixture(scope="module", params=BACKENDS)
def driven(request):
    environment = {**os.environ, "KERAS_BACKEND": request.param}
    told = subprocess.run(
        [sys.executable, "-c", DRIVEN], env=environment, stdout=subprocess.PIPE, check=True
    )
    return request.param, json.loads(told.stdout)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rate_is_inside_the_velocity(driven, dtype):
    backend, figures = driven
    if dtype == "float64" and backend in ("numpy", "tensorflow"):
        # keras: NumPy's backend rounds the rate to float32, TensorFlow's momentum and decay.
        assert figures["own"][dtype] > 1e3
    else:
        assert figures["own"][dtype] <= 1


def test_rate_is_not_outside(driven):
    assert driven[1]["other"] > 1e3


def test_run_goes_on(driven):
    assert driven[1]["goes_on"] == {"float32": True, "float64": True}


def test_decay_that_starts_off_can_be_set(driven):
    assert driven[1]["decayed"] == 0.75  # 1, then 1 - 1/2 1/2 for one step


def test_what_is_kept_under_another_name_is_not_set_in_a_run(driven):
    assert driven[1]["settable"] == [["lr", "momentum", "weight_decay"], ["lr"]]


def test_schedules_of_keras_are_rates_set_by_hand(driven):
    assert driven[1]["on_schedule"] == ["passed", "failed"]  # and not a step late


def test_kernels_of_several_layers_have_one_name(driven):
    # TensorFlow puts :0 after a name, and the wrong one raises, as it does not find it.
    right, wrong = driven[1]["named_alike"]
    assert right == "passed"
    assert wrong == ("errored" if driven[0] == "tensorflow" else "failed")
