"""The article's function and plain step functions as subjects."""

import os
import sys

import numpy as np
import pytest
import torch

from momentum.adapters import adapt, function
from momentum.adapters._functions import trials
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import SubjectError

H = Hyper(0.5, 0.5)


def step(theta, v, grad, lr, momentum, weight_decay=0.0, nesterov=False):
    """Written to be read, for one case: hand-worked numbers below."""
    v = momentum * v + grad
    return theta - lr * v, v


def lazy(theta, v=None, grad=None, lr=0.1, momentum=0.0):
    v = grad.copy() if v is None else momentum * v + grad
    return theta - lr * v, v


def article(params, states, hyperparams):
    """Dive into Deep Learning, section Momentum; it clears the gradients."""
    for p, v in zip(params, states):
        with torch.no_grad():
            v[:] = hyperparams["momentum"] * v + p.grad
            p[:] -= hyperparams["lr"] * v
        p.grad.data.zero_()


@pytest.mark.parametrize("f", [step, lazy, article])
def test_accepts_the_three_forms_by_their_arguments(f):
    assert function.accepts(f)


@pytest.mark.parametrize(
    "other", [torch.optim.SGD, len, lambda params, lr, momentum: None, lambda x, y, z: x, 3]
)
def test_accepts_nothing_else(other):
    assert not function.accepts(other)


@pytest.mark.parametrize("f", [step, lazy, article])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_run_takes_two_steps_worked_by_hand(f, dtype):
    run = adapt(f, {}, "x").start([np.zeros(2)], [H], dtype)
    run.step([np.ones(2)])
    run.step([np.ones(2)])  # v = 1, 1.5
    assert run.parameters()[0].tolist() == [-1.25, -1.25]
    run.set(Hyper(0.25, 0.0))
    run.step([np.ones(2)])
    assert run.parameters()[0].tolist() == [-1.5, -1.5]


def test_facts_of_a_step_function_come_from_its_arguments():
    facts = adapt(step, {"nesterov": True}, "x").facts
    assert facts.hyper == {"lr", "momentum", "weight_decay"}
    assert facts.fixed == {"nesterov": True}
    assert "bfloat16" not in facts.dtypes or pytest.importorskip("ml_dtypes")


def test_facts_of_the_article_tell_what_it_cannot_take():
    facts = adapt(article, {}, "x").facts
    assert facts.hyper == {"lr", "momentum"}
    assert not facts.scalars  # v[:] on a tensor of no dimension
    assert not facts.none_gradients
    assert facts.empty
    assert "bfloat16" in facts.dtypes


def test_gradients_that_the_article_clears_count_as_left_alone():
    run = adapt(article, {}, "x").start([np.zeros(2)], [H], "float32")
    run.step([np.ones(2)])
    assert run.fed()[0].tolist() == [1.0, 1.0]


def test_gradients_that_a_function_changes_are_seen():
    def greedy(theta, v, grad, lr, momentum):
        grad *= lr
        return theta - grad, v

    run = adapt(greedy, {}, "x").start([np.zeros(2)], [H], "float64")
    run.step([np.ones(2)])
    assert run.fed()[0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("f", [step, lazy, article])
@pytest.mark.parametrize("how", ["load", "deepcopy", "pickle"])
def test_run_can_be_resumed_and_copied(f, how):
    subject = adapt(f, {}, "x")
    run = subject.start([np.zeros(2)], [H], "float32")
    run.step([np.ones(2)])
    if how == "load":
        other = subject.start([np.ones(2)], [H], "float32")
        other.load(run.save())
    else:
        other = run.duplicate(how)
    other.step([np.ones(2)])
    assert other.parameters()[0].tolist() == [-1.25, -1.25]
    assert run.parameters()[0].tolist() == [-0.5, -0.5]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x, v: (x, v, 1), r"returned tuple, wanted \(theta, v\)"),
        (lambda x, v: x, r"returned ndarray, wanted \(theta, v\)"),
        (lambda x, v: None, "returned NoneType, wanted"),
        (lambda x, v: (x.sum(), v), r"returned theta of shape \(\), wanted \(3,\)"),
        (lambda x, v: (x, None), r"returned v as NoneType, wanted an array of shape \(3,\)"),
        (lambda x, v: (x.tolist(), v), r"returned theta as list, wanted an array of shape \(3,\)"),
    ],
)
def test_answers_that_cannot_be_understood_are_told_with_what_was_wanted(answer, words):
    def wrong(theta, v, grad, lr, momentum):
        return answer(theta, v)

    with pytest.raises(UsageError, match=f"^x {words}"):
        adapt(wrong, {}, "x")


def test_function_that_always_raises_is_left_to_the_checks():
    def broken(theta, v, grad, lr, momentum):
        raise KeyError("v")

    run = adapt(broken, {}, "x").start([np.zeros(2)], [H], "float32")
    with pytest.raises(KeyError):
        run.step([np.ones(2)])


@pytest.mark.parametrize("end", [os._exit, sys.exit, lambda code: os.kill(os.getpid(), 9)])
def test_function_that_ends_the_process_is_left_to_the_checks(end):
    def ending(theta, v, grad, lr, momentum):
        end(3)

    if "jax" in sys.modules:
        pytest.skip("a process that has loaded JAX is not forked")
    assert adapt(ending, {}, "x").facts.assumed


def test_dtype_that_is_not_kept_is_not_claimed_and_told_where_it_is_asked_for():
    def wide(theta, v, grad, lr, momentum):
        return (theta - lr * grad).astype(np.float64), v

    subject = adapt(wide, {}, "x")
    assert subject.facts.dtypes == ("float64",)
    run = subject.start([np.zeros(2)], [H], "float32")
    run.step([np.ones(2)])
    with pytest.raises(SubjectError, match="parameter 0 has become float64"):
        run.parameters()


def test_missing_gradients_are_refused():
    run = adapt(step, {}, "x").start([np.zeros(2)], [H], "float32")
    with pytest.raises(SubjectError, match="None"):
        run.step([None])


@pytest.mark.parametrize(
    ("f", "fixed", "words"),
    [
        (step, {"dampening": 0.5}, "takes no 'dampening'"),
        (article, {"weight_decay": 0.5}, "takes no 'weight_decay': it takes lr, momentum"),
        (lambda x, v, g, lr, momentum, width: None, {}, "needs width"),
    ],
)
def test_adapt_refuses_what_does_not_fit(f, fixed, words):
    with pytest.raises(UsageError, match=words):
        adapt(f, fixed, "x")


def test_way_that_is_slow_at_first_is_kept(monkeypatch):
    """A compiler may take longer than a trial waits; all ways before it have raised."""

    def slow(params, v, grads, lr, momentum):
        v = [momentum * x + g for x, g in zip(v, grads, strict=True) if isinstance(x, np.ndarray)]
        if not v:
            raise ValueError("wants lists")
        return [x - lr * y for x, y in zip(params, v)], v

    monkeypatch.setattr(trials, "survives", lambda ask, limit: ask.args[0].holder != "list")
    run = adapt(slow, {}, "x").start([np.ones(2)], [H], "float16")
    run.step([np.ones(2)])
    assert run.parameters()[0].tolist() == [0.5, 0.5]


def test_arrays_of_a_library_that_is_not_known_are_refused():
    def strange(theta, v, grad, lr, momentum):
        return theta, v

    strange.__annotations__["theta"] = "mx.array"
    with pytest.raises(UsageError, match=r"arrays of .*mx.array.* are not known"):
        adapt(strange, {}, "x")
