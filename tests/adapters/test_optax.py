"""optax behind the face that the checks see."""

import numpy as np
import pytest

from momentum.adapters import adapt, load
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import SubjectError

optax = pytest.importorskip("optax", reason="optax is not installed")

DTYPES = ("float32", "float64", "float16", "bfloat16")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("settings", [{}, {"jit": "True"}, {"nesterov": "True"}], ids=str)
def test_sgd_starts_at_zero(worst_ratio, dtype, settings):
    assert worst_ratio(load("optax:sgd", settings), "optax", dtype) <= 1


def test_sgd_keeps_the_rate_outside(worst_ratio):
    assert worst_ratio(load("optax:sgd"), "keras", "float32") > 1e3


@pytest.mark.parametrize("dtype", DTYPES)
def test_injected_hyperparameters_are_set_in_full_precision(worst_ratio, dtype):
    injected = optax.inject_hyperparams(optax.sgd, hyperparam_dtype=np.float64)
    made = injected(learning_rate=0.5, momentum=0.5)
    subject = adapt(made, {}, "injected")
    assert {"lr", "momentum"} <= subject.facts.settable
    assert worst_ratio(subject, "optax", dtype) <= 1


def test_finished_transformation_is_what_the_caller_says(worst_ratio):
    chain = optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.05, momentum=0.9))
    said = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}
    assert worst_ratio(adapt(chain, said, "chain"), "optax", "float32") <= 1
    assert worst_ratio(adapt(chain, said, "chain"), "optax:before", "float32") > 1e3
    with pytest.raises(ValueError, match=r"takes no lr=0.5"):
        adapt(chain, said, "chain").start([np.ones(2)], [Hyper(0.5, 0.9, 0, 0.1)], "float32")


def test_finished_transformation_without_a_rate_is_refused():
    with pytest.raises(UsageError, match="learning rate"):
        adapt(optax.sgd(0.05, momentum=0.9), {}, "sgd")


def test_groups_are_labels_of_multi_transform():
    hypers = [Hyper(0.5, 0.5), Hyper(0.25, 0.25)]
    run = load("optax:sgd").start([np.zeros(1)] * 3, hypers, "float64", groups=[0, 1, 0])
    for _ in range(2):
        run.step([np.ones(1)] * 3)
    run.set(Hyper(1.0, 0.5), 1)
    run.step([np.ones(1)] * 3)
    # group 0: v = 1, 3/2, 7/4; group 1: v = 1, 5/4 at 1/4, then 13/8 at 1
    assert [float(x[0]) for x in run.parameters()] == [-2.125, -2.1875, -2.125]


def test_schedule_multiplies_the_rate():
    options = {"scheduler": (1.0, 0.5, 2.0)}
    run = load("optax:sgd").start([np.zeros(1)], [Hyper(0.5, 0.5)], "float64", None, options)
    for _ in range(3):
        run.step([np.ones(1)])
    # v = 1, 3/2, 7/4 at rates 1/2, 1/4, 1
    assert float(run.parameters()[0][0]) == -(0.5 + 0.375 + 1.75)


@pytest.mark.parametrize("how", ["resume", "deepcopy", "pickle"])
def test_run_goes_on(goes_on, how):
    assert goes_on(load("optax:sgd"), how, "float64")


def test_state_is_one_velocity():
    run = load("optax:sgd").start([np.ones(100)], [Hyper(0.5, 0.5)], "float32")
    assert run.state_bytes() == 400


def test_none_for_a_gradient_is_refused():
    run = load("optax:sgd").start([np.ones(2)], [Hyper(0.5, 0.5)], "float32")
    with pytest.raises(SubjectError, match="None"):
        run.step([None])


def test_unknown_argument_is_refused():
    with pytest.raises(UsageError, match="takes no 'fused'"):
        load("optax:sgd", {"fused": "True"})
