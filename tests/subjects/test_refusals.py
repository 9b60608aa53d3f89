"""What is refused at the start of a run is told from what fails in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.conventions.hyper import Hyper
from momentum.gallery.machine.machine import Machine, MachineRun
from momentum.runner.one_check import run_check
from momentum.subjects.problems import Problem
from momentum.subjects.refusals import Refusals, unsupported_sparse
from momentum.subjects.trial import refused

TORCH = get("accumulated")


def refusing(when: Callable[[Hyper], bool], kind: type[Exception] = ValueError) -> Machine:
    """A right optimizer that refuses some hyper-parameters when it is made."""

    class Run(MachineRun):
        def validate(self, h: Hyper, group: int) -> None:
            super().validate(h, group)
            if when(h):
                raise kind("not supported")

    return Machine("refusing", TORCH, run=Run, without=("nesterov_with_dampening",))


def result(subject: Machine, check: str, dtype: str = "float32") -> Any:
    return run_check(CHECKS[check], subject, TORCH, dtype, "quick")


@pytest.mark.parametrize("kind", [ValueError, TypeError, NotImplementedError, RuntimeError])
def test_refused_option_is_skipped_and_said(kind: type[Exception]) -> None:
    found = result(refusing(lambda h: h.nesterov, kind), "nesterov_agrees")
    assert found.verdict == "skipped"
    assert found.reason == "refuses nesterov: not supported"


def test_a_refusal_is_looked_for_with_one_parameter() -> None:
    class Run(MachineRun):
        def setup(self) -> None:
            if any(h.nesterov for h in self.hypers):
                raise ValueError("one parameter only" if len(self.theta) > 1 else "not supported")

    subject = Machine("refusing", TORCH, run=Run, without=("nesterov_with_dampening",))
    assert result(subject, "nesterov_agrees").reason == "refuses nesterov: not supported"


@pytest.mark.parametrize("check", ["agrees_with_oracle", "decay_agrees_in_combinations"])
def test_refused_combination_is_left_out_and_said_smallest(check: str) -> None:
    found = result(refusing(lambda h: h.maximize and bool(h.weight_decay)), check)
    assert found.verdict == "passed"
    assert found.reason == "refuses weight_decay with maximize: not supported"


@pytest.mark.parametrize("kind", [KeyError, AssertionError, ZeroDivisionError])
def test_an_error_of_another_kind_is_no_refusal(kind: type[Exception]) -> None:
    assert result(refusing(lambda h: h.nesterov, kind), "nesterov_agrees").verdict == "errored"


def test_an_operation_that_goes_wrong_is_no_refusal() -> None:
    class Run(MachineRun):
        def validate(self, h: Hyper, group: int) -> None:
            np.zeros(2) + np.zeros(3 if h.nesterov else 2)  # a ValueError that nobody wrote

    found = result(Machine("crashing", TORCH, run=Run), "nesterov_agrees")
    assert found.verdict == "errored"
    assert "could not be broadcast" in found.reason


def test_an_error_in_the_middle_of_a_run_is_no_refusal() -> None:
    class Run(MachineRun):
        def step(self, gradients: Any) -> None:
            super().step(gradients)
            if self.taken > 1:
                raise ValueError("not supported")

    assert result(Machine("late", TORCH, run=Run), "nesterov_agrees").verdict == "errored"


def test_a_plain_step_that_raises_is_no_refusal() -> None:
    class Run(MachineRun):
        def step(self, gradients: Any) -> None:
            raise ValueError("not supported")

    assert result(Machine("never", TORCH, run=Run), "agrees_with_oracle").verdict == "errored"


def test_a_refused_shape_is_no_refusal_of_hyper_parameters() -> None:
    class Run(MachineRun):
        def step(self, gradients: Any) -> None:
            if any(x.size == 0 for x in self.theta):
                raise ValueError("empty")
            super().step(gradients)

    assert result(Machine("shapes", TORCH, run=Run), "agrees_on_many_parameters").bad


@pytest.mark.parametrize(
    ("method", "check", "words"),
    [
        ("step_sparse", "sparse_stands_for_dense", "refuses sparse gradients: first consolidate"),
        ("save", "resumes_where_it_stopped", "refuses to save its state: first consolidate"),
        ("step_closure", "closure_is_called_once", "refuses a closure: first consolidate"),
        ("step_closure", "closure_may_set_the_rate", "refuses a closure: first consolidate"),
        ("step_closure", "closures_leave_no_graph", "refuses a closure: first consolidate"),
    ],
)
def test_a_refused_offer_is_skipped_and_said(method: str, check: str, words: str) -> None:
    def refused(self: Any, *arguments: Any) -> None:
        raise RuntimeError("first consolidate")

    run = type("Run", (MachineRun,), {method: refused})
    found = result(Machine("offers", TORCH, run=run), check)
    assert (found.verdict, found.reason) == ("skipped", words)


@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float16", "float32", "float64")])
def test_refused_formats_side_by_side_are_skipped(dtypes: tuple[str, ...]) -> None:
    class Run(MachineRun):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            if len(set(self.dtypes)) > 1:
                raise ValueError("one format only")

    subject = Machine("formats", TORCH, run=Run, dtypes=dtypes)
    found = result(subject, "agrees_in_mixed_formats")
    assert found.verdict == "skipped"
    assert found.reason == "refuses parameters of several formats: one format only"


@pytest.mark.parametrize("taken", ["bfloat16", "float32", "float64"])
def test_a_refused_dtype_is_named(taken: str) -> None:
    class Single(MachineRun):
        def setup(self) -> None:
            if set(self.dtypes) != {taken}:
                raise TypeError(f"{taken} only")

    subject = Machine("single", TORCH, run=Single)
    for dtype in {"bfloat16", "float16", "float32", "float64"} - {taken}:
        found = result(subject, "agrees_with_oracle", dtype)
        assert (found.verdict, found.reason) == ("skipped", f"refuses {dtype}: {taken} only")


def test_formats_that_a_first_step_refuses_are_told_before_any_check() -> None:
    class Double(MachineRun):
        def step(self, gradients: Any) -> None:
            if set(self.dtypes) != {"float64"}:
                raise TypeError("float64 only")
            super().step(gradients)

    found = refused(Machine("double", TORCH, run=Double))
    assert set(found) == {"float32", "float16", "bfloat16"}
    assert all("float64 only" in why for why in found.values())
    assert refused(Machine("all", TORCH)) == {}


def test_usual_momentum_refused_is_one_failure() -> None:
    subject = refusing(lambda h: h.momentum > 0.5)
    names = {"accepts_usual_values", *list(CHECKS)[::7]}
    results = [result(subject, name) for name in names]
    wrong = [r for r in results if r.bad]
    assert [r.check for r in wrong] == ["accepts_usual_values"]
    assert wrong[0].where == "refuses momentum 0.9: not supported"


def test_no_reason_is_made_up_for_another_problem() -> None:
    subject = refusing(lambda h: h.nesterov)
    problem = Problem("float32", ((2,),), ((Hyper(0.5, 0.5),),), (0,))
    assert Refusals(subject).reason(_raised(ValueError("else")), problem, ()) is None
    assert Refusals(subject).of(Hyper(0.5, 0.5, nesterov=True), "float32") is not None


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def test_a_refused_option_of_start_is_named() -> None:
    class Run(MachineRun):
        def setup(self) -> None:
            if self.options.get("tensor_lr"):
                raise TypeError("wanted a number")

    problem = Problem("float32", ((2,),), ((Hyper(0.5),),), (0,), options=(("tensor_lr", True),))
    subject = Machine("choosy", TORCH, run=Run)
    with pytest.raises(TypeError) as raised:
        subject.start([np.ones(2)], [Hyper(0.5)], "float32", [0], dict(problem.options))
    refusals = Refusals(subject)
    assert refusals.reason(raised.value, problem, ()) == "refuses tensor_lr: wanted a number"
    without = Problem("float32", ((2,),), ((Hyper(0.5),),), (0,))
    assert refusals.reason(raised.value, without, ()) is None
    never = Refusals(refusing(lambda h: h.nesterov))
    both = replace(problem, hypers=((Hyper(0.5, 0.5, nesterov=True),),))
    assert never.reason(raised.value, both, ()) == "refuses nesterov: not supported"


@pytest.mark.parametrize("name", ["nesterov", "weight_decay", "maximize", "dampening"])
def test_what_a_first_step_refuses_beyond_the_plain_rule_is_a_refusal(name: str) -> None:
    class Run(MachineRun):
        def step(self, gradients: Any) -> None:
            if getattr(self.hypers[0], name):
                raise ValueError("not supported")
            super().step(gradients)

    refusals = Refusals(Machine("first", TORCH, run=Run))
    h = Hyper(0.5, 0.5)._replace(**{name: 0.25 if name in ("weight_decay", "dampening") else True})
    assert refusals.of(h, "float32") == f"refuses {name}: not supported"
    assert refusals.of(Hyper(0.5, 0.5), "float32") is None


def test_what_cannot_be_left_out_stays_in_what_is_refused() -> None:
    class Run(MachineRun):
        def validate(self, h: Hyper, group: int) -> None:
            if h.maximize:
                raise ValueError("not supported")

    h = Hyper(0.5, 0.5, weight_decay=0.25, maximize=True)
    whole = Machine("whole", TORCH, run=Run)
    part = Machine("part", TORCH, run=Run, hyper=frozenset({"lr", "momentum", "maximize"}))
    assert Refusals(whole).of(h, "float32") == "refuses maximize: not supported"
    assert Refusals(part).of(h, "float32") == "refuses weight_decay with maximize: not supported"


def test_several_groups_that_are_refused_are_named() -> None:
    class Run(MachineRun):
        def setup(self) -> None:
            if len(self.hypers) > 1:
                raise ValueError("one group only")

    row = (Hyper(0.5), Hyper(0.25))
    problem = Problem("float32", ((2,), (2,)), (row,), (0, 1))
    refusals = Refusals(Machine("one", TORCH, run=Run))
    error = _raised(ValueError("one group only"))
    assert refusals.reason(error, problem, ()) == "refuses several groups: one group only"
    alone = Problem("float32", ((2,),), (row[:1],), (0,))
    assert refusals.reason(error, alone, ()) is None
    assert refusals.reason(_raised(KeyError("one group only")), problem, ()) is None


def test_groups_are_tried_with_a_parameter_each() -> None:
    class Run(MachineRun):
        def setup(self) -> None:
            if len(self.theta) > 1:
                raise ValueError("one parameter only")

    row = (Hyper(0.5), Hyper(0.25))
    problem = Problem("float32", ((2,), (2,)), (row,), (0, 1))
    refusals = Refusals(Machine("one", TORCH, run=Run))
    error = _raised(ValueError("one parameter only"))
    assert refusals.reason(error, problem, ()) == "refuses several groups: one parameter only"


def test_of_many_groups_two_are_tried() -> None:
    class Run(MachineRun):
        def setup(self) -> None:
            if len(self.hypers) > 2:
                raise ValueError("two groups only")

    row = (Hyper(0.5), Hyper(0.25), Hyper(0.125))
    problem = Problem("float32", ((2,), (2,), (2,)), (row,), (0, 1, 2))
    refusals = Refusals(Machine("two", TORCH, run=Run))
    assert refusals.reason(_raised(ValueError("two groups only")), problem, ()) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("add(sparse, dense) is not supported"), True),
        (TypeError("Unsupported: SPARSE"), True),
        (NotImplementedError("could not run on\na sparse tensor"), True),
        (RuntimeError("sparse gradients are what went wrong"), False),
        (RuntimeError("float16 is not supported"), False),
        (ValueError("sparse is not supported"), False),
        (KeyError("sparse is not supported"), False),
    ],
)
def test_a_library_says_of_sparse_operands_that_it_takes_none(error: Exception, said: bool) -> None:
    assert unsupported_sparse(error) == said


def test_what_is_refused_by_itself_is_left_out_of_any_order() -> None:
    """A copy that the framework refuses is told where it is asked for, and fails nothing."""

    class Uncopied(MachineRun):
        def duplicate(self, how: str) -> MachineRun:
            raise TypeError("classes that are not registered are not copied")

    subject = Machine(name="uncopied", convention=TORCH, run=Uncopied)
    assert result(subject, "any_order_of_calls_agrees").verdict == "passed"
    assert result(subject, "deepcopy_is_faithful").verdict == "skipped"


def test_a_condition_and_what_it_raises_may_stand_in_one_line() -> None:
    class Run(MachineRun):
        def validate(self, h: Hyper, group: int) -> None:
            if h.nesterov: raise ValueError("not supported")  # noqa: E701  # fmt: skip

    found = result(Machine("short", TORCH, run=Run), "nesterov_agrees")
    assert (found.verdict, found.reason) == ("skipped", "refuses nesterov: not supported")


@pytest.mark.parametrize("kind", [TypeError, RuntimeError, AssertionError])
def test_a_dtype_that_a_step_refuses_is_named(kind: type[Exception]) -> None:
    class Run(MachineRun):
        def step(self, gradients: Any) -> None:
            if self.dtypes[0] != "float32":
                raise kind("single precision only")
            super().step(gradients)

    machine, check = Machine("single", TORCH, run=Run), CHECKS["agrees_with_oracle"]
    found = run_check(check, machine, TORCH, "float16", "quick")
    assert (found.verdict, found.reason) == ("skipped", "refuses float16: single precision only")
    assert run_check(check, machine, TORCH, "float32", "quick").verdict == "passed"
    recast = run_check(CHECKS["agrees_after_a_change_of_format"], machine, TORCH, "float32")
    assert recast.verdict == "skipped"
    assert recast.reason.endswith("single precision only")


def test_a_late_group_that_is_refused_is_said() -> None:
    class Run(MachineRun):
        def add_group(self, parameters: Any, hyper: Any) -> None:
            raise RuntimeError("too late")

    for check in ("late_group_starts_afresh", "gradients_are_cleared", "any_order_of_calls_agrees"):
        found = result(Machine("closed", TORCH, run=Run), check)
        assert found.reason == "refuses a late group: too late", check


def test_a_layout_that_is_refused_is_said() -> None:
    class Run(MachineRun):
        def step(self, gradients: Any) -> None:
            if self.options.get("layout", "contiguous") != "contiguous":
                raise RuntimeError("contiguous arrays only")
            super().step(gradients)

    found = result(Machine("dense", TORCH, run=Run), "leaves_memory_between_alone")
    assert found.reason == (
        "refuses layout offset: contiguous arrays only; "
        "refuses layout strided: contiguous arrays only"
    )


def test_gradients_that_are_not_finite_may_be_refused() -> None:
    class Run(MachineRun):
        def step(self, gradients: Any) -> None:
            if not all(np.isfinite(g).all() for g in gradients if g is not None):
                raise FloatingPointError("inf or nan")
            super().step(gradients)

    careful = Machine("careful", TORCH, run=Run)
    for check in ("poisoned_coordinates_show_it", "poison_does_not_spread"):
        found = result(careful, check)
        assert found.reason == "refuses gradients that are not finite: inf or nan", check
