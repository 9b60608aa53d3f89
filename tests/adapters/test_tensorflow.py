"""Step functions on TensorFlow's tensors behind the face that the checks see."""

import pytest

from momentum.adapters import load

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

STEP = """
import tensorflow as tf

@tf.function
def step(theta, grad, v, lr, momentum):
    v = momentum * v + grad
    return theta - lr * v, v
"""


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_compiled_step_function_agrees(worst_ratio, tmp_path, dtype):
    (tmp_path / "compiled.py").write_text(STEP)
    assert worst_ratio(load(f"{tmp_path / 'compiled.py'}:step"), "zero_started", dtype) <= 1


ASSIGNING = """
import tensorflow as tf

def step(w, v, g, lr, momentum):
    v.assign(momentum * v + g)
    w.assign_sub(lr * v)
"""


def test_step_function_that_assigns_to_variables_agrees(worst_ratio, tmp_path):
    (tmp_path / "assigning.py").write_text(ASSIGNING)
    assert worst_ratio(load(f"{tmp_path / 'assigning.py'}:step"), "zero_started", "float32") <= 1
