"""Parameters of layers, W and b, as courses write their optimizers."""

import numpy as np
import pytest

import momentum
from momentum.adapters import adapt

ONLY = ("agrees_with_oracle", "agrees_on_many_parameters", "equal_parameters_keep_apart",
        "any_order_of_calls_agrees")  # fmt: skip


def verdicts(made, convention, only=ONLY):
    done = momentum.check(made, convention, effort="quick", dtypes=["float64"], only=list(only))
    return {r.check: r.verdict for r in done.results if r.verdict != "skipped"}


def course(parameters, grads, v, beta, learning_rate, damped="b", own="W"):
    """Ng's exercise. damped, own: arrays that have a damped gradient, and a velocity of theirs."""
    for layer in range(1, len(parameters) // 2 + 1):
        for kind in "Wb":
            key, kept = f"{kind}{layer}", f"d{kind}{layer if kind in own else 1}"
            share = 1 - beta if kind in damped else 1.0
            v[kept] = beta * v[kept] + share * grads["d" + key]
            parameters[key] = parameters[key] - learning_rate * v[kept]
    return parameters, v


def update_parameters_with_momentum(parameters, grads, v, beta, learning_rate):
    return course(parameters, grads, v, beta, learning_rate, "Wb", "Wb")


def velocities_named_as_parameters(params, grads, velocity, lr, momentum):
    v = {f"d{name}": x for name, x in velocity.items()}
    course(params, grads, v, momentum, lr, "Wb", "Wb")
    velocity.update({name: v[f"d{name}"] for name in velocity})


def velocities_made_at_the_first_step(parameters, grads, v, beta, learning_rate):
    for name, x in grads.items():
        if name not in v:
            v[name] = np.zeros_like(x)
    return course(parameters, grads, v, beta, learning_rate, "Wb", "Wb")


def one_velocity_of_all_biases(parameters, grads, v, beta, learning_rate):
    return course(parameters, grads, v, beta, learning_rate, "Wb", "W")


def weights_undamped(parameters, grads, v, beta, learning_rate):
    return course(parameters, grads, v, beta, learning_rate, "b", "Wb")


RIGHT = (
    update_parameters_with_momentum,
    velocities_named_as_parameters,
    velocities_made_at_the_first_step,
)


@pytest.mark.parametrize("f", RIGHT)
def test_dicts_of_layers_are_understood(f):
    assert "W1, b1" in adapt(f, {}, "f").facts.called
    assert set(verdicts(f, "averaged").values()) == {"passed"}


@pytest.mark.parametrize("f", [one_velocity_of_all_biases, weights_undamped])
def test_a_wrong_function_of_layers_fails(f):
    assert {"failed"} <= set(verdicts(f, "averaged").values())
