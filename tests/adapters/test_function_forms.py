"""Step functions in the forms in which people write them: loops over elements, states in a dict."""

from typing import Any

import numpy as np
import pytest

import momentum
from momentum.adapters import adapt
from momentum.checks import CHECKS
from momentum.conventions import Hyper
from momentum.diagnosis import identify
from momentum.errors import UsageError

H = Hyper(0.5, 0.5)
FINE = {"passed", "skipped", "no_claim"}


def elements(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> None:
    """As a loop in C does it: for arrays of one axis."""
    for i in range(theta.size):
        v[i] = momentum * v[i] + grad[i]
        theta[i] -= lr * v[i]


def configured(w: Any, dw: Any, config: Any = None) -> Any:
    """Rate, momentum and velocity in one dict."""
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    v = config.get("velocity", np.zeros_like(w))
    v = config["momentum"] * v - config["learning_rate"] * dw
    config["velocity"] = v
    return w + v, config


def filled(param: Any, grad: Any, state: Any, lr: float = 0.1, momentum: float = 0.9) -> Any:
    """A velocity in a dict that is empty at first."""
    state["buf"] = momentum * state["buf"] + grad if "buf" in state else grad.copy()
    return param - lr * state["buf"]


def begun(x: Any, g: Any, state: Any, lr: float = 0.1, momentum: float = 0.9) -> Any:
    """A dict that nothing is asked for before it is filled."""
    if not state:
        state["v"] = np.zeros_like(x)
    state["v"] = momentum * state["v"] + g
    return x - lr * state["v"], state


def remembered(w: Any, dw: Any, notes: Any, lr: float, momentum: float) -> Any:
    """A dict of a name that says nothing, beside two arrays whose names say what they are."""
    notes["m"] = momentum * notes.get("m", 0.0) + lr * dw
    return w - notes["m"], notes


def twice_decayed(w: Any, dw: Any, config: Any) -> Any:
    v = config["mu"] ** 2 * config.get("v", np.zeros_like(w)) + dw
    config["v"] = v
    return w - config["lr"] * v, config


@pytest.mark.parametrize(("function", "convention"), [(begun, "torch"), (remembered, "scaled")])
def test_a_dict_is_known_by_how_it_is_used(function: Any, convention: str) -> None:
    done = momentum.check(
        function, convention, effort="quick", dtypes=["float64"], only=["trajectory", "schedules"]
    )
    assert {r.verdict for r in done.results if r.level == "must"} <= FINE
    assert sum(r.verdict == "passed" for r in done.results) > 4


def named(params: Any, grads: Any, velocity: Any, lr: float = 0.1, momentum: float = 0.9) -> Any:
    """A dict of all parameters, and one of their velocities."""
    for k in params:
        velocity[k] = momentum * velocity[k] + grads[k]
        params[k] = params[k] - lr * velocity[k]
    return params, velocity


def by_place(theta: Any, v: Any, grad: Any, n: int, lr: float, momentum: float, /) -> None:
    """As compiled code is called: nothing by name, and told how many elements there are."""
    for i in range(n):
        v[i] = momentum * v[i] + grad[i]
        theta[i] -= lr * v[i]


def of_two_points(x: Any, x_prev: Any, grad: Any, lr: float, momentum: float) -> Any:
    """Without a velocity: at first the iterate before is the start."""
    return x - lr * grad + momentum * (x - x_prev), x


@pytest.mark.parametrize(
    ("function", "convention", "first"),
    [
        *[(elements, "torch", 0), (configured, "scaled", 1), (filled, "torch", 2)],
        *[(named, "torch", 0), (of_two_points, "two_point", 1), (by_place, "torch", 2)],
    ],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_a_right_function_passes_in_its_form(function: Any, convention: str, first: int) -> None:
    """first: three forms share all checks among them."""
    some = ["agrees_with_oracle", *list(CHECKS)[first::3]]
    done = momentum.check(function, convention, effort="quick", dtypes=["float64"], only=some)
    assert {r.verdict for r in done.results if r.level == "must"} <= FINE
    assert sum(r.verdict == "passed" for r in done.results) > 13


def paired(params: Any, grads: Any, velocity: Any, lr: float = 0.1, momentum: float = 0.9) -> Any:
    """The gradients' own names are not read."""
    for k, g in zip(params, grads.values()):
        velocity[k] = momentum * velocity[k] + g
        params[k] = params[k] - lr * velocity[k]
    return params, velocity


class Paired:
    """The same in a class."""

    def __init__(self, lr: float = 0.1, momentum: float = 0.9) -> None:
        self.lr, self.momentum = lr, momentum
        self.velocity: Any = {}

    def update(self, params: Any, grads: Any) -> None:
        for k, g in zip(params, grads.values()):
            self.velocity[k] = self.momentum * self.velocity.get(k, 0.0) + g
            params[k] -= self.lr * self.velocity[k]


@pytest.mark.parametrize("wrong", [paired, Paired])
def test_gradients_by_name_come_in_another_order(wrong: Any) -> None:
    by_name = "named_gradients_come_in_any_order"
    done = momentum.check(
        wrong, "torch", effort="quick", dtypes=["float64"], only=["agrees_with_oracle", by_name]
    )
    assert {r.check: r.verdict for r in done.results} == {
        "agrees_with_oracle": "passed", by_name: "failed"}  # fmt: skip


def without_the_rest(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> None:
    """In place, as kernels are called; what is no whole block of four stands still."""
    whole = theta.size // 4 * 4
    x, b, g = (a.reshape(-1)[:whole] for a in (theta, v, grad))
    b[:] = momentum * b + g
    x -= lr * b


def list_pair(lr, momentum):  # type: ignore[no-untyped-def]  # as people write it
    """Updates of a list of arrays; an array alone would be walked through as one."""

    def init(params: Any) -> Any:
        return [np.zeros_like(p) for p in params]

    def update(grads: Any, trace: Any) -> Any:
        trace = [momentum * t + g for t, g in zip(trace, grads)]
        return [-lr * t for t in trace], trace

    return init, update


def test_a_kernel_that_forgets_the_rest_is_judged() -> None:
    done = momentum.check(
        without_the_rest, "torch", effort="quick", dtypes=["float64"], only=["agrees_at_every_size"]
    )
    (result,) = done.results
    assert result.verdict == "failed"
    assert "the elements after the last whole block of 4" in result.explanation


def test_a_pair_for_lists_is_given_lists() -> None:
    assert "list of all arrays" in adapt(list_pair, {}, "mine").facts.called


def test_a_wrong_one_fails_in_its_form() -> None:
    done = momentum.check(
        twice_decayed, "torch", effort="quick", dtypes=["float64"], only=["agrees_with_oracle"]
    )
    assert [r.verdict for r in done.results] == ["failed"]


def test_several_axes_are_handed_over_as_one_and_the_report_says_so() -> None:
    facts = adapt(elements, {}, "elements").facts
    assert "handed over with one axis" in facts.left["several axes"]
    assert not adapt(filled, {}, "filled").facts.left


def test_hyper_parameters_in_the_dict_are_settable() -> None:
    assert adapt(configured, {}, "configured").facts.settable == {"lr", "momentum"}


def test_a_rule_of_two_points_is_known_by_how_it_rounds() -> None:
    """On paper it is the scaled rule."""
    subject = adapt(of_two_points, {}, "of_two_points")
    assert identify(subject, estimates=False).nearest.name == "two_point"


def test_what_wants_arguments_of_another_type_is_refused_in_one_line() -> None:
    """A rate that it calls is none that can be handed over: no failure of its steps."""

    def calling(theta: Any, v: Any, grad: Any, lr: Any, momentum: float) -> Any:
        v = momentum * v + grad
        return theta - lr(theta) * v, v

    wanted = r"calling raised TypeError: .* not callable .* in a trial"
    with pytest.raises(UsageError, match=wanted):
        adapt(calling, {}, "calling")


def test_a_velocity_that_only_looks_like_a_dict_is_an_array() -> None:
    """A function that asks whatever it is given for a key, before it reads it as an array."""

    def looking(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
        known = hasattr(v, "get") and v.get("v")
        v = momentum * np.asarray(v, theta.dtype) + grad
        assert not known
        return theta - lr * v, v

    run = adapt(looking, {}, "looking").start([np.ones(3)], [H], "float64")
    assert isinstance(run.held[0]["v"], np.ndarray)
