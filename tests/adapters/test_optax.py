"""optax behind the face that the checks see."""

import numpy as np
import pytest

from momentum.adapters import adapt, load
from momentum.adapters import optax as adapter
from momentum.checks import CHECKS
from momentum.conventions import Hyper, get
from momentum.errors import UsageError
from momentum.runner.one_check import run_check
from momentum.subjects.protocol import SubjectError

optax = pytest.importorskip("optax", reason="optax is not installed")
jax = pytest.importorskip("jax")

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


def zeros(params):
    return jax.tree.map(jax.numpy.zeros_like, params)


def injected(learning_rate=0.1, momentum=0.9):
    return optax.inject_hyperparams(optax.sgd)(learning_rate=learning_rate, momentum=momentum)


def chained(learning_rate, momentum=0.9):
    inner = optax.inject_hyperparams(optax.sgd)
    return optax.chain(optax.identity(), inner(learning_rate=learning_rate, momentum=momentum))


def labelled(learning_rate, momentum=0.9):
    parts = {"a": injected(learning_rate, momentum), "b": optax.sgd(learning_rate, momentum)}
    return optax.multi_transform(parts, lambda tree: ["ab"[i % 2] for i in range(len(tree))])


COMPILATIONS = []


def compiled_inside(learning_rate, momentum=0.0):
    @jax.jit
    def update(updates, state, params=None):
        COMPILATIONS.append(learning_rate)
        state = jax.tree.map(lambda v, g: momentum * v + g, state, updates)
        return jax.tree.map(lambda v: -learning_rate * v, state), state

    return optax.GradientTransformation(zeros, update)


def skipping(learning_rate, momentum=0.9):
    return optax.apply_if_finite(optax.sgd(learning_rate, momentum), 5)


def branching(learning_rate, momentum=0.0):
    if learning_rate < 0:
        raise ValueError("a rate must not be negative")
    return compiled_inside(learning_rate, momentum)


@pytest.mark.parametrize("factory", [injected, chained, labelled, compiled_inside, branching])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_factory_needs_no_annotation(worst_ratio, factory, dtype):
    subject = adapt(factory, {}, "mine")
    assert subject.facts.settable == {"lr", "momentum"}
    assert worst_ratio(subject, "optax", dtype) <= 1


@pytest.mark.parametrize("factory", [injected, chained, labelled])
def test_open_numbers_of_each_group_are_its_own(factory):
    hypers = [Hyper(0.5, 0.5), Hyper(0.25, 0.5)]
    run = adapt(factory, {}, "mine").start([np.zeros(1)] * 2, hypers, "float64", groups=[0, 1])
    run.step([np.ones(1)] * 2)
    run.set(Hyper(1.0, 0.5), 1)
    run.step([np.ones(1)] * 2)
    # v = 1, 3/2; rates 1/2, 1/2 and 1/4, 1
    assert [float(x[0]) for x in run.parameters()] == [-1.25, -1.75]


@pytest.mark.parametrize(("factory", "compiled"), [(skipping, True), (chained, False)])
def test_what_decides_inside_is_compiled_as_a_whole(factory, compiled):
    assert adapt(factory, {}, "mine").compiled is compiled


@pytest.mark.parametrize(("factory", "most"), [(compiled_inside, 1), (branching, 2)])
def test_functions_compiled_inside_are_compiled_once_for_their_numbers(factory, most):
    subject = adapt(factory, {}, "mine")
    COMPILATIONS.clear()
    for _ in range(3):
        run = subject.start([np.zeros(1)], [Hyper(0.5, 0.5)], "float32")
        for rate in (0.5, 0.5, 0.25, 0.25):
            run.set(Hyper(rate, 0.5))
            run.step([np.ones(1)])
    assert len(COMPILATIONS) == most


@pytest.mark.parametrize(
    "other", [lambda learning_rate: 3, lambda theta, v, grad, lr, momentum: (theta, v), optax, 3]
)
def test_what_returns_no_transformation_is_not_taken_for_a_factory(other):
    assert not adapter.accepts(other)


def schedule_late(learning_rate, momentum=0.0):
    """A step late with every schedule."""
    if callable(learning_rate):
        return optax.sgd(lambda count: learning_rate(jax.numpy.maximum(count - 1, 0)), momentum)
    return optax.sgd(learning_rate, momentum)


@pytest.mark.parametrize(
    ("factory", "verdict"),
    [(optax.sgd, "passed"), (injected, "passed"), (chained, "passed"), (schedule_late, "failed"),
     (compiled_inside, "skipped")],
)  # fmt: skip
def test_schedules_of_optax_are_rates_set_by_hand(factory, verdict):
    check = CHECKS["own_schedules_are_rates_set_by_hand"]
    subject = adapt(factory, {}, "mine")
    assert run_check(check, subject, get("optax"), "float32", "quick").verdict == verdict


def test_rate_that_must_be_a_number_offers_no_schedule():
    assert not {"schedulers", "own_schedules"} & adapt(compiled_inside, {}, "mine").facts.offers
    assert "schedulers" in adapt(optax.sgd, {"jit": True}, "sgd").facts.offers


def test_wrapper_that_is_a_transformation_is_taken(worst_ratio):
    def every_step(learning_rate, momentum):
        return optax.MultiSteps(optax.sgd(learning_rate, momentum), every_k_schedule=1)

    assert worst_ratio(adapt(every_step, {}, "every_step"), "optax", "float32") <= 1


def test_group_without_parameters_begins_nothing():
    """What flattens its parameters has none to put together."""

    def flat(learning_rate, momentum):
        return optax.flatten(optax.sgd(learning_rate, momentum))

    check = CHECKS["empty_groups_stand_for_nothing"]
    assert run_check(check, adapt(flat, {}, "flat"), get("optax"), "float32", "quick").verdict == (
        "passed"
    )


@pytest.mark.parametrize(("apart", "verdict"), [(True, "passed"), (False, "failed")])
def test_parameters_of_several_formats_are_each_right_in_their_own(apart, verdict):
    def one_vector(learning_rate, momentum):
        """All velocities in the format of the first parameter."""

        def init(params):
            return optax.tree.zeros_like(params)

        def update(updates, state, params=None):
            dtype = None if apart else updates[0].dtype
            v = [(momentum * v + g).astype(dtype or g.dtype) for v, g in zip(state, updates)]
            return [(-learning_rate * x).astype(g.dtype) for x, g in zip(v, updates)], v

        return optax.GradientTransformation(init, update)

    check = CHECKS["agrees_in_mixed_formats"]
    subject = adapt(one_vector, {}, "one_vector")
    assert run_check(check, subject, get("optax"), "float32", "quick").verdict == verdict


def paired_by_order(learning_rate, momentum=0.0, weight_decay=0.0):
    """The decay of a leaf is of the parameter that was named at its place."""
    inner = optax.sgd(learning_rate, momentum)

    def update(grads, state, params):
        leaves, structure = jax.tree.flatten(grads)
        decayed = [g + weight_decay * p for g, p in zip(leaves, params.values(), strict=True)]
        return inner.update(jax.tree.unflatten(structure, decayed), state, params)

    return optax.GradientTransformation(inner.init, update)


def decayed(learning_rate, momentum=0.0, weight_decay=0.0):
    decay = optax.add_decayed_weights(weight_decay)
    return optax.chain(decay, optax.sgd(learning_rate, momentum))


@pytest.mark.parametrize(("factory", "bad"), [(paired_by_order, True), (decayed, False)])
def test_names_of_parameters_are_not_in_the_order_of_leaves(factory, bad):
    check = CHECKS["agrees_with_oracle"]
    found = run_check(check, adapt(factory, {}, "it"), get("optax"), "float32", "quick")
    assert found.bad is bad
