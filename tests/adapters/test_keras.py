"""Keras behind the face that the checks see, each backend in a process of its own."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

if find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)

BACKENDS = [b for b in ("jax", "torch", "numpy") if find_spec(b) is not None]
DTYPES = ("float32", "float64", "float16", "bfloat16")

# Keras has one backend a process.
DRIVEN = """
import json, sys, warnings
sys.path.insert(0, "tests/adapters")
warnings.simplefilter("ignore")
import conftest
from momentum.adapters import load
subject = load("keras.optimizers:SGD")
worst = lambda convention, dtype: conftest.worst_ratio.__wrapped__()(subject, convention, dtype)
goes_on = conftest.goes_on.__wrapped__()
print(json.dumps({
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
    if (backend, dtype) == ("numpy", "float64"):
        # keras: the NumPy backend multiplies two float64 arrays to a float32 array.
        assert figures["own"][dtype] > 1e3
    else:
        assert figures["own"][dtype] <= 1


def test_rate_is_not_outside(driven):
    assert driven[1]["other"] > 1e3


def test_run_goes_on(driven):
    assert driven[1]["goes_on"] == {"float32": True, "float64": True}
