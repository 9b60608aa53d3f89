"""What the arguments of a step function hold: each of these takes the same steps."""

import ctypes
from collections import namedtuple
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import momentum
from momentum.adapters import adapt
from momentum.conventions import Hyper, get
from momentum.errors import UsageError
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem


class Both(NamedTuple):
    params: Any
    velocity: Any


@dataclass
class Everything:
    w: Any
    buf: Any
    lr: float = 0.1
    momentum: float = 0.9
    step: int = 0


class Rates(NamedTuple):
    lr: float
    momentum: float


def counted(theta, grad, v, lr, momentum, t):
    v = grad.copy() if t == 0 else momentum * v + grad
    return theta - lr * v, v


def counted_from_one(theta, v, step, grad, lr, momentum):
    v = grad.copy() if step == 1 else momentum * v + grad
    return theta - lr * v, v, step + 1


def counted_in_its_state(theta, grad, state, lr, momentum):
    v = grad.copy() if state["step"] == 0 else momentum * state["v"] + grad
    return theta - lr * v, {"v": v, "step": state["step"] + 1}


def checking_its_dict(w, dw, v, config):
    for name in ("lr", "momentum"):
        if name not in config or config.get(name) is None:
            raise ValueError(f"no {name}")
    v = config["momentum"] * v + dw
    return w - config["lr"] * v, v


def making(lr, momentum):
    def step(theta, v, grad):
        v = momentum * v + grad
        return theta - lr * v, v

    return step


def making_lists(learning_rate=0.1, momentum=0.9):
    def step(params, grads, state):
        state = [momentum * v + g for v, g in zip(state, grads)]
        return [p - learning_rate * v for p, v in zip(params, state)], state

    return step


def counted_in_a_pair(theta, grad, state, lr, momentum):
    v, t = state
    v = grad.copy() if t == 0 else momentum * v + grad
    return theta - lr * v, (v, t + 1)


def asking(theta, v, grad_fn, lr, momentum):
    v = momentum * v + grad_fn(theta)
    return theta - lr * v, v


def differentiating(theta: torch.Tensor, v: torch.Tensor, loss_fn, lr, momentum):
    x = theta.detach().requires_grad_()
    (grad,) = torch.autograd.grad(loss_fn(x), x)
    v = momentum * v + grad
    return theta - lr * v, v


def record(state: Both, grads, lr, momentum):
    v = momentum * state.velocity + grads
    return Both(state.params - lr * v, v)


def record_of_everything(state: Everything, grad) -> None:
    state.buf = grad.copy() if state.step == 0 else state.momentum * state.buf + grad
    state.w = state.w - state.lr * state.buf
    state.step += 1


def record_unannounced(state, grads, lr, momentum):
    v = momentum * state.velocity + grads
    return state._replace(params=state.params - lr * v, velocity=v)


def state_of_both(state, grad, lr, momentum):
    v = momentum * state["v"] + grad
    return {"theta": state["theta"] - lr * v, "v": v}


def rates_in_a_dict(theta, v, grad, hp):
    v = hp["momentum"] * v + grad
    return theta - hp["lr"] * v, v


def rates_in_a_record(theta, v, grad, hp: Rates):
    v = hp.momentum * v + grad
    return theta - hp.lr * v, v


def momentum_is_the_velocity(params, grads, momentum, lr=0.1, mu=0.9):
    momentum = mu * momentum + grads
    return params - lr * momentum, momentum


def rows_changed_in_place(params, grads, velocities, lr, momentum):
    for p, g, v in zip(params, grads, velocities):
        v *= momentum
        v += g
        p -= lr * v
    return params, velocities


def at_the_parameters(params, velocities, lr, momentum):
    with torch.no_grad():
        for p, v in zip(params, velocities):
            v.mul_(momentum).add_(p.grad)
            p -= lr * v


def updates(learning_rate, momentum=0.9):
    def init(params):
        return np.zeros_like(params)

    def update(grads, state, params=None):
        state = momentum * state + grads
        return -learning_rate * state, state

    return namedtuple("Pair", ["init", "update"])(init, update)


def updates_in_a_dict(learning_rate, momentum=0.9):
    def init(params):
        return {name: np.zeros_like(x) for name, x in params.items()}

    def update(updates, state, params=None):
        state = {name: momentum * v + updates[name] for name, v in state.items()}
        return {name: -learning_rate * v for name, v in state.items()}, state

    return init, update


def new_parameters(lr, momentum):
    def init(params):
        return {"v": np.zeros_like(params)}

    def update(params, grads, state):
        v = momentum * state["v"] + grads
        return params - lr * v, {"v": v}

    return init, update


def as_long_as_it_is(theta, grad, m, n, lr, momentum):
    """No loop of n steps."""
    assert n == theta.size
    m = momentum * m + grad
    return theta - lr * m, m


def sent(theta, lr, momentum):
    v = 0 * theta
    while True:
        grad = yield theta
        v = momentum * v + grad
        theta = theta - lr * v


def yielding(theta, grads, lr, momentum):
    v = 0 * theta
    for grad in grads:
        v = momentum * v + grad
        theta = theta - lr * v
        yield theta


def loop(grad_fn, x0, lr=0.1, momentum=0.9, n_iters=100):
    x, v = x0.copy(), 0 * x0
    for _ in range(n_iters):
        v = momentum * v + grad_fn(x)
        x = x - lr * v
    return x


SINGLE = ctypes.POINTER(ctypes.c_float)


@ctypes.CFUNCTYPE(
    None, *[SINGLE] * 3, ctypes.c_size_t, ctypes.c_float, ctypes.c_float
)  # as a library that is loaded has them
def compiled(g, x, v, n, momentum, lr):
    for i in range(n):
        v[i] = np.float32(momentum) * np.float32(v[i]) + np.float32(g[i])
        x[i] = np.float32(x[i]) - np.float32(lr) * np.float32(v[i])


VARYING = [
    *(counted, counted_from_one, counted_in_its_state, counted_in_a_pair, asking, differentiating),
    *(making, making_lists, checking_its_dict),
    *(record, record_of_everything, record_unannounced, state_of_both, rates_in_a_dict),
    *(rates_in_a_record, momentum_is_the_velocity, rows_changed_in_place, at_the_parameters),
    *(updates, updates_in_a_dict, new_parameters, compiled, as_long_as_it_is),
]
STEADY = [sent, yielding, loop]


def name(f):
    return getattr(f, "__name__", type(f).__name__)


@pytest.mark.parametrize("f", [*VARYING, *STEADY], ids=name)
def test_form_is_understood(f):
    subject = adapt(f, {}, "mine")
    later = Hyper(0.03, 0.7) if f in VARYING else Hyper(0.1, 0.9)
    rows = ((Hyper(0.1, 0.9),),) * 2 + ((later,),) * 2
    problem = Problem(subject.facts.dtypes[0], ((3,), (2, 2)), rows, (0, 0), seed=2)
    measured = judge(subject, observe(subject, problem), get("zero_started"))
    assert max(m.ratio for m in measured) <= 1


def changing_its_gradients(grad_fn, x0, lr=0.1, momentum=0.9, n_iters=100):
    x, v = x0.copy(), 0 * x0
    for _ in range(n_iters):
        g = grad_fn(x)
        g *= lr
        v = momentum * v + g
        x = x - v
    return x


@pytest.mark.parametrize(
    ("f", "failed"), [(loop, set()), (changing_its_gradients, {"leaves_gradients_alone"})]
)
def test_a_loop_that_is_run_anew_is_given_the_gradients_of_before(f, failed):
    only = ["keeps_no_hold_on_gradients", "leaves_gradients_alone"]
    found = momentum.check(f, "zero_started", effort="quick", dtypes=["float64"], only=only)
    assert {r.check for r in found.results if r.verdict != "passed"} == failed


@pytest.mark.parametrize(("f", "start"), [(counted, 0), (counted_from_one, 1)])
def test_where_a_count_begins_is_found_and_said(f, start):
    assert f"its count begins at {start}" in adapt(f, {}, "mine").facts.called


def test_a_step_that_asks_says_where():
    def ahead(theta, v, grad_fn, lr, momentum):
        v = momentum * v - lr * grad_fn(theta + momentum * v)
        return theta + v, v

    run = adapt(ahead, {}, "ahead").start([np.array([8.0])], [Hyper(0.5, 0.5)], "float64")
    run.step([np.array([4.0])])  # v = -2
    assert [x.tolist() for x in (*run.parameters(), *run.point())] == [[6.0], [5.0]]


def in_memory_order(theta, v, grad, lr, momentum):
    v = momentum * v + grad.ravel(order="K").reshape(grad.shape)
    return theta - lr * v, v


def test_gradients_come_as_they_may_lie_in_memory():
    done = momentum.check(
        in_memory_order,
        "optax",
        effort="quick",
        dtypes=["float64"],
        only=["agrees_in_every_layout"],
    )
    assert [r.verdict for r in done.results] == ["failed"]


def by_address(theta, v, grad, lr, momentum):
    at = [x.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for x in (theta, v, grad)]
    for i in range(theta.size):
        at[1][i] = momentum * at[1][i] + at[2][i]
        at[0][i] -= lr * at[1][i]


def wanting_c_order(theta, v, grad, lr, momentum):
    if not grad.flags.c_contiguous:
        raise ValueError("wants C order")
    return asking(theta, v, lambda x: grad, lr, momentum)


@pytest.mark.parametrize(
    ("f", "why"), [(by_address, "reads memory by its address"), (wanting_c_order, "wants C order")]
)
def test_what_promises_c_order_alone_is_not_given_another(f, why):
    subject = adapt(f, {}, "mine")
    assert why in subject.facts.left["other memory layouts"]
    assert subject.begin.__self__.layouts == {"offset"}


def peeled(theta, v, grad, lr, momentum):
    """Up to the first whole vector, the velocity is not kept."""
    old, head = v.copy(), -theta.ctypes.data % 16 // theta.itemsize
    v[:] = momentum * v + grad
    theta -= lr * v
    v.flat[:head] = old.flat[:head]


def test_memory_that_begins_between_two_vectors_is_judged():
    found = momentum.check(peeled, "torch", only=["agrees_in_every_layout"], effort="quick")
    assert {r.verdict for r in found.results if r.level == "must"} == {"failed"}
    assert all('"offset"' in r.problem for r in found.results)


def test_parameters_in_another_order_are_not_judged_where_a_view_of_them_is_a_copy():
    """The gradient's order is judged all the same."""

    def flattened(theta, v, grad, lr, momentum):
        x, b, g = theta.reshape(-1), v.reshape(-1), grad.reshape(-1)
        b[:] = momentum * b + g
        x -= lr * b

    subject = adapt(flattened, {}, "flattened")
    assert "layouts" in subject.facts.offers
    assert not subject.begin.__self__.own_layout
    assert "lost" in subject.facts.left["other memory layouts"]


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda grad, v, lr, momentum: (v, v), "takes no parameters that are known as such"),
        (lambda theta, v, loss, lr, momentum: (v, v), "NumPy cannot differentiate"),
        (lambda theta, v, grad, lr, momentum, mask: mask[0], "needs mask: give --set mask=VALUE"),
        (ctypes.CFUNCTYPE(None, SINGLE)(lambda x: None), "wanted three arrays, lr, momentum"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_line(f, words, monkeypatch):
    monkeypatch.setattr("momentum.adapters.function.libraries", _numpy_alone)
    with pytest.raises(UsageError, match=words):
        adapt(f, {}, "mine")


def _numpy_alone(annotations, device):
    from momentum.adapters import _libraries

    return [_libraries.numpy()]


def test_an_object_is_sent_back_to_its_class():
    class SGD:
        def __init__(self, lr=0.1, momentum=0.9):
            pass

        def step(self, params, grads):
            pass

    with pytest.raises(UsageError, match="one object of SGD: name the class"):
        adapt(SGD(), {}, "mine")


def test_layouts_are_asked_for_in_shapes_that_are_taken():
    """ascontiguousarray makes one axis of none."""

    def step(theta, v, grad, lr, momentum):
        theta, v, grad = (np.ascontiguousarray(x).copy() for x in (theta, v, grad))
        v = momentum * v + grad
        return theta - lr * v, v

    facts = adapt(step, {}, "mine").facts
    assert not facts.scalars
    assert "layouts" in facts.offers
    only = ["agrees_in_every_layout", "state_fits_every_layout", "leaves_memory_between_alone"]
    done = momentum.check(step, "torch", effort="quick", dtypes=["float32"], only=only)
    assert [r.verdict for r in done.results] == ["passed"] * 3
