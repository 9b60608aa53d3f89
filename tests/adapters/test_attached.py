"""Classes that find the gradients as the `grad` of each tensor, without torch's base class."""

import pytest

from momentum.adapters import adapt
from momentum.checks import CHECKS
from momentum.conventions import Hyper, get
from momentum.diagnosis.own_momentum import with_own_momentum
from momentum.errors import UsageError
from momentum.runner.one_check import run_check
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem

torch = pytest.importorskip("torch")


class Textbook:
    """Steps where nothing is recorded, as its training loop has it."""

    def __init__(self, params, lr):
        self.params, self.lr = list(params), lr

    def step(self):
        for x in self.params:
            x -= self.lr * x.grad

    def zero_grad(self):
        for x in self.params:
            x.grad = None


class Grouped:
    """Groups and a state, as torch's own have them."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        self.param_groups = [{"params": list(params), "lr": lr, "momentum": momentum}]
        self.state = {}

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for x in group["params"]:
                if x.grad is not None and x.requires_grad:
                    v = self.state.get(x)
                    v = x.grad.clone() if v is None else v * group["momentum"] + x.grad
                    self.state[x] = v
                    x -= group["lr"] * v


class BuiltIn(Textbook):
    def step(self):
        if not hasattr(self, "v"):
            self.v = [torch.zeros_like(x) for x in self.params]
        for i, x in enumerate(self.params):
            self.v[i] = 0.75 * self.v[i] + x.grad
            x.data.sub_(self.v[i], alpha=self.lr)


class Holds(Grouped):
    """Its velocity is the first gradient itself."""

    def step(self):
        group = self.param_groups[0]
        for x in group["params"]:
            if x in self.state:
                self.state[x].mul_(group["momentum"]).add_(x.grad)
            v = self.state.setdefault(x, x.grad)
            x.data.sub_(v, alpha=group["lr"])


class Elsewhere(Textbook):
    """The tensors of the model stay where they are."""

    def step(self):
        self.params = [x - self.lr * x.grad for x in self.params]


def ratio(subject, dtype, momentum, missing=()):
    rows = tuple((Hyper(lr, momentum),) for lr in (0.1, 0.1, 0.03))
    problem = Problem(
        dtype, ((), (3,), (2, 2)), rows, (0,) * 3, "normal", seed=2, missing=frozenset(missing)
    )
    return max(m.ratio for m in judge(subject, observe(subject, problem), get("accumulated")))


def test_rates_are_set_where_they_are_kept():
    textbook, grouped = adapt(Textbook, {}, "textbook"), adapt(Grouped, {}, "grouped")
    assert textbook.facts.settable == textbook.facts.hyper == {"lr"}
    assert grouped.facts.settable == grouped.facts.hyper == {"lr", "momentum"}
    for dtype in ("float32", "float64", "float16", "bfloat16"):
        assert dtype in textbook.facts.dtypes
        assert ratio(textbook, dtype, 0.0) <= 1
        assert ratio(grouped, dtype, 0.9) <= 1
        assert ratio(grouped, dtype, 0.5) <= 1


def test_a_gradient_may_be_missing_where_that_is_looked_for():
    assert not adapt(Textbook, {}, "textbook").facts.none_gradients
    grouped = adapt(Grouped, {}, "grouped")
    assert grouped.facts.none_gradients
    assert ratio(grouped, "float32", 0.9, missing=[(0, 1), (1, 0)]) <= 1


def test_a_momentum_that_is_built_in_is_found():
    held = with_own_momentum(adapt(BuiltIn, {}, "built in"))
    assert held.facts.fixed == {"momentum": 0.75}
    assert ratio(held, "float32", 0.75) <= 1
    assert with_own_momentum(adapt(Textbook, {}, "textbook")).facts.fixed == {}


@pytest.mark.parametrize("how", ["resume", "deepcopy", "pickle"])
@pytest.mark.parametrize("cls", [Textbook, Grouped, BuiltIn])
def test_run_goes_on(cls, how, goes_on):
    assert goes_on(adapt(cls, {}, "mine"), how, "float32")


@pytest.mark.parametrize(("cls", "verdict"), [(Grouped, "passed"), (Holds, "failed")])
def test_gradients_are_overwritten_by_the_next_backward_pass(cls, verdict):
    check = CHECKS["keeps_no_hold_on_gradients"]
    assert run_check(check, adapt(cls, {}, "mine"), get("torch"), "float32").verdict == verdict


def test_tensors_that_are_made_anew_are_not_those_of_the_model():
    with pytest.raises(UsageError, match="a step moves nothing"):
        adapt(Elsewhere, {}, "elsewhere")


def test_a_gradient_that_is_bound_anew_is_not_left_alone():
    class Rebinds(Grouped):
        def step(self):
            for x in self.param_groups[0]["params"]:
                x.grad = 2 * x.grad
                x.data.sub_(x.grad, alpha=self.param_groups[0]["lr"] / 2)

    check = CHECKS["leaves_gradients_alone"]
    for cls, verdict in ((Rebinds, "failed"), (Grouped, "passed")):
        assert run_check(check, adapt(cls, {}, "mine"), get("torch"), "float32").verdict == verdict
