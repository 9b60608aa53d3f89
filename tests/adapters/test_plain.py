"""Own implementations through `plain_subject`: little to write, and what is wrong is told."""

import textwrap

import numpy as np
import pytest

import momentum
from momentum.adapters import adapt, load, plain
from momentum.errors import UsageError
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem


class Mine:
    """v = momentum v + g, x = x - lr v, in the dtype that is asked for."""

    def __init__(self, parameters, hyper, dtype):
        self.x = [x.astype(dtype) for x in parameters]
        self.v = [np.zeros_like(x) for x in self.x]
        self.hyper = hyper

    def step(self, gradients):
        for i, g in enumerate(gradients):
            self.v[i] = self.hyper.momentum * self.v[i] + g.astype(self.x[i].dtype)
            self.x[i] = self.x[i] - self.hyper.lr * self.v[i]

    def parameters(self):
        return self.x


class Settable(Mine):
    def set(self, hyper):
        self.hyper = hyper

    def save(self):
        return self.x, self.v, self.hyper

    def load(self, saved):
        self.x, self.v, self.hyper = list(saved[0]), list(saved[1]), saved[2]


def worst(subject, dtype, lr=(0.1, 0.1, 0.1)):
    rows = tuple((momentum.Hyper(rate, 0.9),) for rate in lr)
    problem = Problem(dtype, ((), (3,), (2, 2)), rows, (0, 0, 0), "normal", seed=4)
    seen = observe(subject, problem)
    return max(m.ratio for m in judge(subject, seen, momentum.CONVENTIONS["zero_started"]))


def test_begin_is_all_one_has_to_write():
    subject = momentum.plain_subject(Mine)
    assert subject.facts.name == "Mine"
    assert subject.facts.hyper == {"lr", "momentum"}
    assert subject.facts.dtypes == ("float32", "float64", "float16")
    assert not subject.facts.settable
    assert all(worst(subject, dtype) <= 1 for dtype in subject.facts.dtypes)


class InPlace(Mine):
    def step(self, gradients):
        for x, v, g in zip(self.x, self.v, gradients):
            v *= self.hyper.momentum
            v += g.astype(x.dtype)
            x -= self.hyper.lr * v


def test_numbers_of_shape_nothing_come_as_arrays_that_can_be_changed_in_place():
    run = momentum.plain_subject(InPlace).start(
        [np.float64(1.0)], [momentum.Hyper(0.5, 0.5)], "float32"
    )
    run.step([np.float64(1.0)])
    assert run.parameters()[0] == 0.5


def test_what_a_run_can_do_besides_is_found():
    facts = momentum.plain_subject(Settable).facts
    assert facts.settable == {"lr", "momentum"}
    assert facts.offers == {"resume"}
    assert worst(momentum.plain_subject(Settable), "float32", (0.1, 0.2, 0.05)) <= 1


class OwnNames(Mine):
    """Has names of its own for other things: a list, a path to save to, a number."""

    def __init__(self, parameters, hyper, dtype):
        super().__init__(parameters, hyper, dtype)
        self.fed, self.storage, self.point = [], {}, 0.5

    def save(self, path):
        raise AssertionError("is no business of a check")

    def load(self, path):
        raise AssertionError("is no business of a check")

    def set(self, name, value):
        raise AssertionError("is no business of a check")


def test_what_only_has_the_name_of_an_offer_is_none():
    facts = momentum.plain_subject(OwnNames).facts
    assert not facts.offers
    assert not facts.settable


def test_example_of_the_docstring_runs(tmp_path):
    text = textwrap.dedent(plain.__doc__.partition("    # mine.py")[2].partition("`momentum")[0])
    path = tmp_path / "mine_of_the_docstring.py"
    path.write_text("import momentum\n" + textwrap.dedent(text))
    for name in ("subject", "Mine"):
        assert worst(load(f"{path}:{name}"), "float32") <= 1


def test_begin_is_known_by_its_arguments_and_takes_settings():
    def begin(parameters, hyper, dtype):
        return Mine(parameters, hyper, dtype)

    subject = adapt(begin, {"dtypes": ["float64"], "scalars": False}, "mine")
    assert subject.facts.dtypes == ("float64",)
    assert not subject.facts.scalars
    with pytest.raises(UsageError, match="mine takes no 'fused': it takes hyper, fixed"):
        adapt(begin, {"fused": True}, "mine")


def test_hyper_parameters_that_it_does_not_honour_are_refused():
    subject = momentum.plain_subject(Mine, fixed={"weight_decay": 0.5})
    with pytest.raises(ValueError, match="takes no nesterov=True"):
        subject.start([np.ones(1)], [momentum.Hyper(0.1, 0.9, 0, 0.5, True)], "float32")
    with pytest.raises(ValueError, match=r"takes no weight_decay=0.0"):
        subject.start([np.ones(1)], [momentum.Hyper(0.1, 0.9)], "float32")


class Wide(Mine):
    def parameters(self):
        return [x.astype(np.float64) for x in self.x]


class NoStep:
    def __init__(self, parameters, hyper, dtype):
        self.parameters = list


class Fails(Mine):
    def step(self, gradients):
        raise RuntimeError("no\nroom")


class Fewer(Mine):
    def parameters(self):
        return []


@pytest.mark.parametrize(
    ("begin", "more", "words"),
    [
        (
            Wide,
            {"dtypes": ["float32"]},
            r"in float32: .*has become float64, was started as float32",
        ),
        (NoStep, {}, r"in float32: .*begin returned NoStep, which has no step\(\)"),
        (Fails, {}, "in float32: RuntimeError: no room"),
        (Fewer, {}, "there are 0 parameters, wanted 1"),
        (Mine, {"hyper": ["rate"]}, "unknown hyper-parameter 'rate': known are lr, momentum"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(begin, more, words):
    with pytest.raises(UsageError, match=words) as caught:
        momentum.plain_subject(begin, **more)
    assert "\n" not in str(caught.value)


def test_dtypes_that_are_not_kept_are_not_claimed():
    assert momentum.plain_subject(Wide).facts.dtypes == ("float64",)
