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


class OfLayers:
    """Neural Networks from Scratch: its state is at the layer; its decay is the rate's."""

    def __init__(self, learning_rate=1.0, decay=0.0, momentum=0.0):
        self.learning_rate = self.current_learning_rate = learning_rate
        self.decay, self.momentum, self.iterations = decay, momentum, 0

    def pre_update_params(self):
        if self.decay:
            self.current_learning_rate = self.learning_rate / (1 + self.decay * self.iterations)

    def update_params(self, layer):
        if not hasattr(layer, "weight_momentums"):
            layer.weight_momentums = np.zeros_like(layer.weights)
            layer.bias_momentums = np.zeros_like(layer.biases)
        rate = self.current_learning_rate
        layer.weight_momentums = self.momentum * layer.weight_momentums - rate * layer.dweights
        layer.bias_momentums = self.momentum * layer.bias_momentums - rate * layer.dbiases
        layer.weights += layer.weight_momentums
        layer.biases = layer.biases + layer.bias_momentums

    def post_update_params(self):
        self.iterations += 1


class Damped(OfLayers):
    def update_params(self, layer):
        layer.dweights = (1 - self.momentum) * layer.dweights
        super().update_params(layer)


class Named:
    """The names of formulas."""

    def __init__(self, lr, momentum):
        self.lr, self.momentum = lr, momentum

    def update(self, layer):
        if not hasattr(layer, "v"):
            layer.v = [0 * layer.dW, 0 * layer.db]
        layer.v = [self.momentum * v + self.lr * g for v, g in zip(layer.v, (layer.dW, layer.db))]
        layer.W, layer.b = layer.W - layer.v[0], layer.b - layer.v[1]


class OfPairs:
    """Keras' method on NumPy's arrays."""

    def __init__(self, learning_rate=0.01, momentum=0.9):
        self.learning_rate, self.momentum, self.v = learning_rate, momentum, {}

    def moved(self, key, g):
        v = self.momentum * self.v.get(key, 0 * g) - self.learning_rate * g
        self.v[key] = v
        return v

    def apply_gradients(self, grads_and_vars):
        for i, (g, w) in enumerate(grads_and_vars):
            w += self.moved(i, g)


class OfVariables(OfPairs):
    def apply_gradients(self, grads_and_vars):
        for i, (g, w) in enumerate(grads_and_vars):
            w.assign(w.numpy() + self.moved(i, g))


class ByShape(OfPairs):
    def apply_gradients(self, grads_and_vars):
        for g, w in grads_and_vars:
            w += self.moved(w.shape, g)


class Told(OfPairs):
    """It is given the parameters when it is made, too."""

    def __init__(self, params, learning_rate_init=0.1, momentum=0.9):
        super().__init__(learning_rate_init, momentum)
        self.v = {i: np.zeros_like(x) for i, x in enumerate(params)}

    def update_params(self, params, grads):
        self.apply_gradients(zip(grads, params))


@pytest.mark.parametrize("cls", [OfLayers, Named, OfPairs, OfVariables, Told])
def test_a_class_that_takes_layers_or_pairs_is_stepped(cls):
    assert adapt(cls, {}, "cls").facts.settable == {"lr", "momentum"}
    only = (*ONLY, "follows_the_learning_rate")
    assert set(verdicts(cls, "scaled", only).values()) == {"passed"}


@pytest.mark.parametrize("cls", [Damped, ByShape])
def test_a_wrong_class_of_layers_or_pairs_fails(cls):
    assert "failed" in verdicts(cls, "scaled").values()


def test_a_decay_that_moves_nothing_is_not_of_the_weights():
    facts = adapt(OfLayers, {}, "OfLayers").facts
    assert facts.hyper == {"lr", "momentum"}
    assert "decay" in facts.left
