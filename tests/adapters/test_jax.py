"""jax.example_libraries.optimizers behind the face that the checks see."""

import numpy as np
import pytest

from momentum.adapters import adapt, load
from momentum.conventions import Hyper
from momentum.subjects.trial import claimed

pytest.importorskip("jax", reason="JAX is not installed")

MODULE = "jax.example_libraries.optimizers"
DTYPES = ("float32", "float64", "float16", "bfloat16")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_optimizer_starts_at_zero(worst_ratio, dtype, name):
    assert worst_ratio(load(f"{MODULE}:{name}"), "jax", dtype) <= 1


def test_nesterov_is_known_by_its_name(worst_ratio):
    subject = load(f"{MODULE}:nesterov")
    assert subject.facts.fixed == {"nesterov": True}
    assert load(f"{MODULE}:momentum").facts.fixed == {}


def test_momentum_keeps_the_rate_outside(worst_ratio):
    assert worst_ratio(load(f"{MODULE}:momentum"), "keras", "float32") > 1e3


def test_schedule_multiplies_the_rate():
    options = {"scheduler": (1.0, 0.5, 2.0)}
    subject = load(f"{MODULE}:momentum")
    run = subject.start([np.zeros(1)], [Hyper(0.5, 0.5)], "float64", None, options)
    for _ in range(3):
        run.step([np.ones(1)])
    # v = 1, 3/2, 7/4 at rates 1/2, 1/4, 1
    assert float(run.parameters()[0][0]) == -(0.5 + 0.375 + 1.75)


@pytest.mark.parametrize("how", ["resume", "deepcopy", "pickle"])
def test_run_goes_on(goes_on, how):
    assert goes_on(load(f"{MODULE}:nesterov"), how, "float64")


def test_state_is_one_velocity():
    run = load(f"{MODULE}:momentum").start([np.ones(100)], [Hyper(0.5, 0.5)], "float32")
    run.step([np.ones(100)])
    assert run.state_bytes() - run.state_bytes() % 400 == 400  # and the count of steps


def test_jitted_step_function_is_tried_in_every_format(tmp_path):
    # A fork would wait for JAX's threads until its time is over, and leave the format out.
    (tmp_path / "jitted.py").write_text(
        "import jax\n\n\n@jax.jit\ndef step(theta, grad, v, lr, momentum):\n"
        "    v = momentum * v + grad\n    return theta - lr * v, v\n"
    )
    facts = claimed(load(f"{tmp_path / 'jitted.py'}:step")).facts
    assert (facts.dtypes, facts.left) == (DTYPES, {})


def triple(step_size, mass):
    """As one writes it: for one array."""

    def start(x):
        return x, 0 * x

    def change(i, g, state):
        x, v = state
        v = mass * v + g
        return x - step_size * v, v

    return start, change, lambda state: state[0]


def test_triple_of_ones_own_is_taken(worst_ratio):
    from jax.example_libraries import optimizers

    subject = adapt(triple, {}, "triple")
    assert worst_ratio(subject, "jax", "float32") <= 1
    assert "schedulers" not in subject.facts.offers  # it calls no rate
    assert worst_ratio(adapt(optimizers.optimizer(triple), {}, "lifted"), "jax", "float32") <= 1
