"""Classes that find parameters and gradients in objects, as small frameworks on NumPy have them."""

import pytest

import momentum
from momentum.adapters import adapt


class Arrays:
    """micrograd's way: p.grad is a number, or an array of them."""

    def __init__(self, params, lr, momentum=0.9):
        self.params, self.lr, self.momentum, self.v = params, lr, momentum, {}

    def gradient(self, p):
        return p.grad

    def step(self):
        for p in self.params:
            self.v[p] = self.momentum * self.v.get(p, 0.0) + self.gradient(p)
            p.data -= self.lr * self.v[p]
            p.grad = 0


class Tensors(Arrays):
    """A course's way: a gradient is a tensor like its parameter."""

    def gradient(self, p):
        return p.grad.data


class Values(Arrays):
    """An array by its other name."""

    def step(self):
        for p in self.params:
            self.v[p] = self.momentum * self.v.get(p, 0.0) + p.grad
            p.value = p.value - self.lr * self.v[p]


class ByShape(Arrays):
    """Parameters of one shape share a velocity."""

    def step(self):
        for p in self.params:
            v = self.v.get(p.shape, 0.0)
            self.v[p.shape] = v = self.momentum * v + p.grad
            p.data = p.data - self.lr * v


@pytest.mark.parametrize(
    ("cls", "verdict"),
    [(Arrays, "passed"), (Tensors, "passed"), (Values, "passed"), (ByShape, "failed")],
)
def test_parameters_with_data_and_grad_are_understood(cls, verdict):
    only = ["equal_parameters_keep_apart"]
    done = momentum.check(cls, "accumulated", effort="quick", dtypes=["float32"], only=only)
    assert [r.verdict for r in done.results] == [verdict]


@pytest.mark.parametrize("how", ["resume", "deepcopy", "pickle"])
@pytest.mark.parametrize("cls", [Arrays, Tensors, Values])
def test_a_run_of_such_parameters_goes_on(cls, how, goes_on):
    assert goes_on(adapt(cls, {}, "mine"), how, "float32")
