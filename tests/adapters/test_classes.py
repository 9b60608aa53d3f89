"""Classes of one's own, as textbooks and small libraries write them."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest

import momentum
from momentum.adapters import adapt
from momentum.conventions import Hyper, get
from momentum.errors import UsageError
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem


class DictInPlace:
    """Deep Learning from Scratch, its way to write it."""

    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(x) for key, x in params.items()}
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class ListReturned:
    def __init__(self, learning_rate, momentum):
        self.rate, self.mu, self.v = learning_rate, momentum, {}

    def step(self, grads, params):
        after = []
        for i, (x, g) in enumerate(zip(params, grads)):
            self.v[i] = self.mu * self.v.get(i, 0 * x) + self.rate * g
            after.append(x - self.v[i])
        return after


class ByName:
    """numpy-ml's interface."""

    def __init__(self, lr=0.01, momentum=0.0, clip_norm=None):
        self.hyper, self.cache = {"lr": lr, "momentum": momentum}, {}

    def update(self, param, param_grad, param_name, cur_loss=None):
        v = self.cache.get(param_name, np.zeros_like(param_grad))
        self.cache[param_name] = v = self.hyper["momentum"] * v + self.hyper["lr"] * param_grad
        return param - v


class OneArray:
    def __init__(self, momentum):
        self.momentum, self.v = momentum, 0.0

    def __call__(self, w, dw, eta):
        self.v = self.momentum * self.v + eta * dw
        return w - self.v


class Holding:
    """As torch does it: the parameters are given once."""

    def __init__(self, params, lr, momentum):
        self.params, self.lr, self.momentum = params, lr, momentum
        self.v = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, g in enumerate(grads):
            self.v[i] = self.momentum * self.v[i] + self.lr * g
            self.params[i] = self.params[i] - self.v[i]


CLASSES = (DictInPlace, ListReturned, ByName, OneArray, Holding)


def ratio(subject, dtype):
    rows = [Hyper(0.1, 0.9)] * 2
    if "lr" in subject.facts.settable:
        rows += [Hyper(0.03, 0.9)] * 2
    shapes = ((), (3,), (2, 2))
    problem = Problem(dtype, shapes, tuple((h,) for h in rows), (0,) * 3, "normal", seed=2)
    return max(m.ratio for m in judge(subject, observe(subject, problem), get("scaled")))


@pytest.mark.parametrize("cls", CLASSES)
def test_class_is_understood(cls):
    subject = adapt(cls, {}, "mine")
    assert subject.facts.dtypes == ("float32", "float64", "float16")
    assert all(ratio(subject, dtype) <= 1 for dtype in subject.facts.dtypes)


def test_what_an_object_keeps_in_attributes_can_be_set():
    held = {cls: adapt(cls, {}, "mine").facts.settable for cls in CLASSES}
    assert held[DictInPlace] == held[ListReturned] == {"lr", "momentum"}
    assert held[ByName] == set()
    assert held[OneArray] == held[Holding] == {"lr", "momentum"}


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("how", ["resume", "deepcopy", "pickle"])
def test_run_goes_on(cls, how, goes_on):
    assert goes_on(adapt(cls, {}, "mine"), how, "float32")


class DoesNothing:
    def __init__(self, lr, momentum): ...

    def step(self, params, grads): ...


class Moves:
    def __init__(self, params, momentum=0.9): ...

    def step(self): ...


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (DoesNothing, "cannot be stepped"),
        (Moves, "no optimizer that is known here"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(cls, words):
    with pytest.raises(UsageError, match=words) as caught:
        adapt(cls, {}, "mine")
    assert "\n" not in str(caught.value)


def test_class_on_arrays_of_jax_claims_what_xla_does():
    pytest.importorskip("jax")

    class Compiled:
        def __init__(self, lr, momentum):
            self.lr, self.momentum, self.v = lr, momentum, 0.0

        def update(self, params: "jax.Array", grads: "jax.Array"):  # noqa: F821 - a hint alone
            self.v = self.momentum * self.v + grads
            return params - self.lr * self.v

    facts = adapt(Compiled, {}, "mine").facts
    assert facts.flushes_subnormals
    assert facts.compiles


EVERY = {"fed", "again", "one_gradient", "settings", "another_thread", "overwrite"}
"""What every class of NumPy arrays offers."""


def closed_over(lr=0.1, momentum=0.9):
    v = 0.0

    def step(theta, grad):
        nonlocal v
        v = momentum * v + lr * grad
        return theta - v

    return step


def test_function_that_returns_a_step_is_a_class_that_cannot_be_copied():
    subject = adapt(closed_over, {}, "closed_over")
    assert all(ratio(subject, dtype) <= 1 for dtype in subject.facts.dtypes)
    assert subject.facts.offers == EVERY


class ElementByElement:
    """Lists of numbers, too, are parameters."""

    def __init__(self, lr, momentum):
        self.lr, self.momentum, self.v = lr, momentum, None
        self.rate = lambda: self.lr

    def step(self, params, grads):
        self.v = self.v or [0.0] * len(params)
        for i in range(len(params)):
            self.v[i] = self.momentum * self.v[i] + grads[i]
            params[i] -= self.rate() * self.v[i]


def test_what_a_class_does_not_take_is_not_claimed():
    facts = adapt(ElementByElement, {}, "mine").facts
    assert not facts.scalars
    assert facts.offers == EVERY | {"deepcopy"}  # a lambda cannot be pickled


class InFull:
    """Names as people spell them who come from other languages."""

    def __init__(self, learningRate, momentum_coefficient, l2_penalty=0.0, useNesterov=False):
        self.rate, self.share, self.decay = learningRate, momentum_coefficient, l2_penalty
        self.nesterov, self.v = useNesterov, {}

    def update(self, params: dict, grads: dict) -> dict:
        moved = {}
        for name, x in params.items():
            d = grads[name] + self.decay * x
            self.v[name] = v = self.share * self.v.get(name, 0 * x) + d
            moved[name] = x - self.rate * (d + self.share * v if self.nesterov else v)
        return moved


def test_hyperparameters_are_known_by_their_names_in_full():
    facts = adapt(InFull, {}, "f").facts
    assert facts.hyper == {"lr", "momentum", "weight_decay", "nesterov"}


class Skipping:
    """Leaves what has no gradient as it is; its first velocity is a copy of the gradient."""

    def __init__(self, params, lr, momentum=0.9):
        self.params, self.lr, self.momentum, self.v = params, lr, momentum, {}

    def first(self, g):
        return g.copy()

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            if g is not None:
                self.v[i] = self.momentum * self.v[i] + g if i in self.v else self.first(g)
                p -= self.lr * self.v[i]


class Aliasing(Skipping):
    def first(self, g):
        return g


class Flat(Skipping):
    """Offsets in one velocity count the parameters that have a gradient."""

    def step(self, grads):
        at, size = 0, sum(p.size for p in self.params)
        v = self.v.setdefault(0, np.zeros(size, self.params[0].dtype if self.params else None))
        for p, g in zip(self.params, grads):
            if g is not None:
                mine = v[at : at + p.size].reshape(p.shape)
                mine[...] = self.momentum * mine + g
                p -= self.lr * mine
                at += p.size


@pytest.mark.parametrize(
    ("made", "failed"),
    [
        (Skipping, set()),
        (Aliasing, {"keeps_no_hold_on_gradients"}),
        (Flat, {"subsets_with_gradients_agree"}),
    ],
)
def test_a_class_may_leave_what_has_no_gradient_and_is_judged_so(made, failed):
    assert adapt(made, {}, "made").facts.none_gradients
    only = ["keeps_no_hold_on_gradients", "subsets_with_gradients_agree"]
    found = momentum.check(made, "accumulated", effort="quick", dtypes=["float32"], only=only)
    assert {r.check for r in found.results if r.verdict == "failed"} == failed
    assert all(r.verdict in ("passed", "failed") for r in found.results)


def test_a_class_that_moves_by_its_velocity_without_a_gradient_is_given_all():
    class Coasting(Skipping):
        def step(self, grads):
            super().step([np.zeros_like(p) if g is None else g for p, g in zip(self.params, grads)])

    assert not adapt(Coasting, {}, "Coasting").facts.none_gradients


def test_numbers_that_are_known_as_nothing_are_told_with_what_they_stay_at():
    class HeavyBall(Skipping):
        def __init__(self, params, eta=0.1, alpha=0.0, verbose=False, name="x"):
            super().__init__(params, eta, alpha)

    facts = adapt(HeavyBall, {}, "HeavyBall").facts
    assert facts.left == {"alpha": "known as no hyper-parameter: it stays at 0.0"}
    assert not adapt(Skipping, {}, "Skipping").facts.left


class Slotted:
    __slots__ = ("lr", "momentum", "v")

    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def step(self, params, grads):
        if self.v is None:
            self.v = [np.zeros_like(p) for p in params]
        for p, v, g in zip(params, self.v, grads):
            v *= self.momentum
            v += self.lr * g
            p -= v


@dataclass(slots=True)
class Record:
    lr: float = 0.1
    momentum: float = 0.9
    v: list = field(default_factory=list)

    step = Slotted.step

    def __post_init__(self):
        self.v = None


class Derived:
    """Its rate is a property, whose setter keeps what is made of it up to date."""

    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    @property
    def lr(self):
        return -self.minus

    @lr.setter
    def lr(self, value):
        self.minus = -float(value)

    step = Slotted.step


class Telling(Derived):
    """It has a property that there is nothing to say of yet."""

    @property
    def loss(self):
        raise RuntimeError("no loss yet")

    @loss.setter
    def loss(self, value):
        raise RuntimeError("not to be set")


@pytest.mark.parametrize("made", [Slotted, Record, Derived, Telling])
def test_numbers_are_changed_in_slots_and_by_properties(made):
    subject = adapt(made, {}, "made")
    assert subject.facts.settable == {"lr", "momentum"}
    rows = [(Hyper(0.5, 0.5),), (Hyper(0.25, 0.75),), (Hyper(0.125, 0.25),)]
    problem = Problem("float64", ((3,), (2,)), tuple(rows), (0, 0))
    measured = judge(subject, observe(subject, problem), get("scaled"))
    assert max(m.ratio for m in measured) <= 1


class ByIdentity:
    """Velocities are kept by the identity of their arrays."""

    def __init__(self, lr=0.1, momentum=0.0):
        self.lr, self.momentum, self.kept = lr, momentum, {}

    def step(self, params, grads):
        for x, g in zip(params, grads):
            _, v = self.kept.setdefault(id(x), (x, np.zeros_like(x)))
            v *= self.momentum
            v += g
            x -= self.lr * v


class SaysHow(ByIdentity):
    """It says how it is copied, and copies too little."""

    def __deepcopy__(self, memo):
        return type(self)(self.lr, self.momentum)


class Shared(ByIdentity):
    """All of them have one velocity, and so have its copies."""

    velocities: ClassVar = {}

    def step(self, params, grads):
        for i, (x, g) in enumerate(zip(params, grads)):
            v = self.velocities[i] = self.momentum * self.velocities.get(i, 0.0) + g
            x -= self.lr * v


def test_copies_that_find_nothing_of_what_is_kept_by_identity_are_left_out():
    facts = adapt(ByIdentity, {}, "mine").facts
    assert not {"deepcopy", "pickle", "resume"} & facts.offers
    assert facts.left["its copies"] == "they have lost the velocity, which is kept elsewhere"
    plain = adapt(ElementByElement, {}, "mine").facts
    assert "its copies" not in plain.left


@pytest.mark.parametrize("wrong", [SaysHow, Shared])
def test_copies_that_go_wrong_otherwise_are_judged(wrong):
    facts = adapt(wrong, {}, "mine").facts
    assert "deepcopy" in facts.offers
    assert "its copies" not in facts.left


class FromBase:
    """The rate is made anew of another, by its own decay."""

    def __init__(self, lr=0.1, momentum=0.0, lr_decay=0.0):
        self.base_lr, self.lr, self.momentum, self.lr_decay = lr, lr, momentum, lr_decay
        self.t, self.v = 0, 0.0

    def step(self, param, grad):
        self.lr = self.base_lr / (1 + self.lr_decay * self.t)
        self.t += 1
        self.v = self.momentum * self.v + grad
        return param - self.lr * self.v


class Current:
    """The rate of now is made anew of the other one before every step."""

    def __init__(self, learning_rate=0.1, momentum=0.0):
        self.learning_rate = self.current_learning_rate = learning_rate
        self.momentum, self.v = momentum, 0.0

    def step(self, param, grad):
        self.current_learning_rate = 1.0 * self.learning_rate
        self.v = self.momentum * self.v + grad
        return param - self.current_learning_rate * self.v


class Overwritten(Current):
    """What it is told is put back by every step: nobody can set it."""

    def __init__(self, learning_rate=0.1, momentum=0.0):
        super().__init__(learning_rate, momentum)
        self.first = learning_rate

    def step(self, param, grad):
        self.current_learning_rate = self.learning_rate = self.first
        return super().step(param, grad)


def test_a_rate_that_no_step_leaves_as_it_was_set_is_not_set():
    assert adapt(Overwritten, {}, "mine").facts.settable == {"momentum"}
    assert adapt(Current, {}, "mine").facts.settable == {"lr", "momentum"}


@pytest.mark.parametrize("one", [Current, FromBase])
def test_a_rate_that_is_made_of_another_follows_it(one):
    done = momentum.check(
        one, "torch", effort="quick", dtypes=["float64"], only=["follows_the_learning_rate"]
    )
    assert [r.verdict for r in done.results] == ["passed"]
