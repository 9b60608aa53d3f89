"""A cause speaks of what was observed, and of nothing that the subject lacks."""

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from machines import ACCUMULATED, ROW, cause, machine

import momentum
from momentum.checks import CHECKS
from momentum.checks.result import ITSELF, Result
from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.diagnosis.explain import ENDED, GIVEN_UP, VAIN
from momentum.gallery import GALLERY, Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._families import around, fails, heard, moves, standing, told
from momentum.gallery.wrong.precision import unweighted
from momentum.runner.one_check import run_check
from momentum.subjects.problems import Problem
from momentum.subjects.trial import Restated


def test_cause_of_a_layout_is_no_cause_of_a_shape() -> None:
    """Only what does not lie contiguous stands still, matrices and vectors alike."""
    strided = moves.made(lambda run, i, g, h: run.theta[i].flags.c_contiguous or g.size < 2)
    options = (("layout", "transposed"),)
    problem = Problem("float32", ((3, 5),), (ROW,) * 3, (0,), options=options)
    words = cause(strided, problem)
    assert words.startswith("from step 1 on: in arrays that are not contiguous")
    assert words.endswith("left as they were")


def test_cause_of_vectors_leaves_scalars_out() -> None:
    def twice(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
        update(i, grad, h)
        if grad.ndim == 1:
            update(i, grad, h)

    problem = Problem("float32", ((7,), (), (3, 5)), (ROW,) * 3, (0, 0, 0))
    words = cause(around("update").made(twice), problem)
    assert words == "from step 1 on: parameters of 1 axis: stepped twice at every step"


def test_cause_finds_the_size_from_which_on_parameters_are_skipped() -> None:
    large = standing.made(lambda run, x: x.size >= 777)
    problem = Problem("float32", ((4097,),), (ROW,) * 3, (0,))
    words = cause(large, problem)
    assert words == "from step 1 on: parameters of 777 or more elements: left as they were"


def test_cause_of_a_tail_leaves_out_what_has_no_axes() -> None:
    tail = unweighted.made(lambda run, k: (k >= k.size // 4 * 4) & (k.ndim > 0))
    words = cause(tail, Problem("float32", ((7,), (), (3, 5)), (ROW,) * 3, (0, 0, 0)))
    assert words == (
        "from step 2 on: parameters of 1 or more axes: the elements after the last whole block of"
        " 4: momentum has no effect, and dampening has"
    )


def test_failure_of_what_a_check_does_besides_is_no_other_than_its_sentence() -> None:
    subject = GALLERY["velocity_kept_by_thread"].build()
    bad = run_check(
        CHECKS["run_may_change_threads"], subject, ACCUMULATED, "float32", "quick", shrinks=0
    )
    assert bad.verdict == "failed"
    assert Explainer(subject, ACCUMULATED).explain([bad]) == {bad.id: ITSELF}


def test_a_number_that_cannot_be_turned_on_is_told_from_one_that_is_held() -> None:
    """Changes between two numbers are heard."""
    off, on = (Hyper(0.1, 0.9),), (Hyper(0.1, 0.9, weight_decay=0.25),)
    problem = Problem("float32", ((5,),), (off, off, on), (0,))
    words = cause(GALLERY["decay_off_at_start_stays_off"].build(), problem)
    assert words.endswith(": weight_decay stays off where it is off at the start")


def test_what_is_never_so_is_not_said_to_be_so_until_something_is_set() -> None:
    """And dampening acts without momentum, in this one."""
    unweighted = told.made(lambda run, i, h: h._replace(momentum=0.0))
    problem = Problem("float32", ((7,),), ((Hyper(0.1, 0.9, 0.25),),) * 3, (0,))
    words = cause(unweighted, problem)
    assert words == "from step 2 on: momentum has no effect, and dampening has"


def test_imaginary_parts_without_gradient_are_said_to_have_none() -> None:
    options = (("complex", True),)
    problem = Problem("float32", ((3, 2),), (ROW,) * 3, (0,), options=options)
    words = cause(GALLERY["imaginary_part_skipped"].build(), problem)
    assert words.endswith(
        "every second element, from number 2 on: the gradient counts as 0 at every step"
    )


def test_a_velocity_that_rests_at_momentum_0_has_nothing_to_do_with_decay() -> None:
    off, on = (Hyper(0.1),), (Hyper(0.1, 0.9),)
    problem = Problem("float32", ((5,),), (on, on, off, on), (0,))
    defect = GALLERY["velocity_not_fed_at_zero_momentum"]
    words = Explainer(defect.build(), get(defect.convention)).cause(problem)
    assert words.endswith(": a step at momentum 0 leaves the velocity of earlier steps as it is")


def test_cause_finds_a_number_that_goes_with_the_shape() -> None:
    by_rows = told.made(
        lambda run, i, h: h._replace(weight_decay=h.weight_decay / run.theta[i].shape[0])
        if run.theta[i].ndim > 1 else h
    )  # fmt: skip
    row = (Hyper(0.1, 0.9, weight_decay=0.25),)
    words = cause(by_rows, Problem("float32", ((3, 5), (6, 2)), (row,) * 3, (0, 0)))
    assert words.endswith(
        "weight_decay is divided for each parameter by the length of its first axis"
    )


def test_cause_finds_the_next_group_in_a_circle() -> None:
    following = told.made(
        lambda run, i, h: h._replace(lr=run.hypers[(run.groups[i] + 1) % len(run.hypers)].lr)
    )
    row = tuple(Hyper(lr, 0.9) for lr in (0.1, 0.3, 0.2))
    words = cause(following, Problem("float32", ((5,),) * 3, (row,) * 3, (0, 1, 2)))
    assert words == "from step 1 on: the lr of the group after (for the last group: the first) acts"


def test_no_number_is_blamed_where_runs_without_a_change_are_right() -> None:
    """The rates differ by less than six digits show."""
    lazy = heard.made(
        lambda run, g, old, new: new._replace(lr=old.lr)
        if abs(new.lr - old.lr) < 1e-5 * new.lr else new
    )  # fmt: skip
    rows = tuple((Hyper(0.5 * (1 + t * 2.0**-20), 0.5),) for t in range(8))
    words = cause(lazy, Problem("float64", ((5,),), rows, (0,)))
    assert words.startswith("from step 2 on, when lr changed from 0.5 to 0.500000477: ")
    assert words.endswith(": a new lr that is less than 1e-05 of the last off is not used")


def test_cause_knows_rates_that_are_close_by_the_larger_of_both() -> None:
    lazy = heard.made(
        lambda run, g, old, new: new._replace(lr=old.lr)
        if abs(new.lr - old.lr) <= 1e-3 * max(new.lr, old.lr) else new
    )  # fmt: skip
    rows = tuple((Hyper(lr, 0.8),) for lr in (0.1, 0.1 + 1e-4, 0.1, 0.102, 0.1))
    words = cause(lazy, Problem("float32", ((9,),), rows, (0,), "from_zero"))
    assert words.endswith(": a new lr that is at most 0.001 of the larger of both off is not used")


def test_cause_says_plain_gradient_descent() -> None:
    plain = told.made(lambda run, i, h: Hyper(h.lr))
    problem = Problem("float32", ((9,),), ((Hyper(0.1, 0.9, weight_decay=0.1),),) * 3, (0,))
    assert "a step of plain gradient descent" in cause(plain, problem)


def test_cause_of_a_held_decay_is_no_rounding() -> None:
    held = GALLERY["decay_captured_at_start"].build()
    first, then = Hyper(0.1, 0.9, weight_decay=0.3), Hyper(0.1, 0.9, weight_decay=0.301)
    problem = Problem("float32", ((9,),), ((first,), (first,), (then,), (then,)), (0,))
    assert cause(held, problem).endswith("weight_decay stays what it was at the start")


class Picky:
    """Float32 and dense gradients of one vector, or nothing."""

    inner = machine()
    facts = inner.facts

    def start(
        self, parameters: Any, hypers: Any, dtype: str, groups: Any = None, options: Any = None
    ) -> Any:
        if dtype != "float32" or options or len(parameters) > 1 or parameters[0].ndim != 1:
            raise NotImplementedError("one dense float32 vector")
        return PickyRun(self.inner, parameters, hypers, dtype, groups, {})


class PickyRun(fails("absent", AttributeError, "'NoneType' object has no attribute 'data'").made(
    lambda run, i: True
)):  # fmt: skip
    def hyper(self, i: int) -> Hyper:
        return super().hyper(i)._replace(nesterov=True)


def test_cause_is_named_for_a_subject_that_refuses_all_else() -> None:
    problem = Problem("float32", ((9,),), (ROW,) * 3, (0,))
    words = cause(Picky(), problem)
    assert words == "from step 1 on: Nesterov's form is taken although nesterov is off"


def always(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
    v = momentum * v + grad
    return theta - lr * (grad + momentum * v), v


def test_what_has_no_flag_for_nesterovs_form_is_right_in_it() -> None:
    options = {"effort": "quick", "only": ["agrees_with_oracle"]}
    found = momentum.check(always, **options)
    assert found.header.convention == "accumulated:nesterov"
    assert found.exit_code() == 0
    told = momentum.check(always, "optax", **options)
    assert {r.explanation.partition("; ")[0] for r in told.results if r.verdict == "failed"} == {
        "from step 1 on: each step is in Nesterov's form"
    }


class Cut(MachineRun):
    """The new parameter is cut to float32 in place of being rounded."""

    def update(self, i: int, grad: Any, h: Hyper) -> None:
        state = self.states.get(i, ACCUMULATED.initial)
        wide, self.states[i] = ACCUMULATED.step(np.array(self.theta[i]), np.array(grad), state, h)
        near = wide.astype(np.float32)
        cut = np.where(np.abs(near) > np.abs(wide), np.nextafter(near, np.float32(0)), near)
        self.theta[i][...] = cut


def test_what_steps_as_the_convention_does_is_no_cause() -> None:
    found = [
        cause(Cut, Problem("float32", ((15,),), (ROW,), (0,), seed=seed)) for seed in range(1, 20)
    ]
    assert not any("nesterov" in words for words in found)


def test_a_rate_that_is_rounded_is_not_said_to_be_limited() -> None:
    digits = told.made(lambda run, i, h: h._replace(lr=float(f"{float(h.lr):.3g}")))
    problem = Problem("float32", ((5,),), ((Hyper(2.6246, 0.5),),) * 4, (0,), seed=3)
    assert "never" not in cause(digits, problem)


@pytest.mark.parametrize("name", ["accumulated", "scaled"])
def test_a_nesterov_that_is_never_taken_is_said_to_be_so(name: str) -> None:
    """Not that it steps as another convention does, which on these runs is the same."""
    held = get(name).in_nesterov_form()
    problem = Problem("float32", ((5,),), (ROW,) * 4, (0,), seed=3)
    subject = Machine(name="m", convention=get(name), hyper=frozenset({"lr", "momentum"}))
    assert Explainer(subject, held).cause(problem).endswith("Nesterov's form is not taken")


def test_a_search_that_was_not_made_to_its_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it takes, and after so many in vain."""
    run = told.made(lambda run, i, h: h._replace(lr=h.lr * 1.01))
    problem = Problem("float32", ((5,),), (ROW,) * 4, (0,), seed=3)
    whole = Explainer(machine(run), ACCUMULATED)
    assert whole.cause(problem)
    assert whole.unexplained == ""
    short = Explainer(machine(run), ACCUMULATED)
    monkeypatch.setattr(sys.modules[Explainer.__module__], "SECONDS", -1.0)
    for _ in range(3):
        assert not short.cause(problem)
        assert short.unexplained == ENDED
    monkeypatch.undo()
    tired = Explainer(machine(run), ACCUMULATED)
    tired.vain = VAIN
    assert not tired.cause(problem)
    assert tired.unexplained == GIVEN_UP


def test_cause_lets_faults_of_this_package_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no refusal of the subject's is not taken for one."""
    explainer = Explainer(machine(), ACCUMULATED)

    def broken(*_: Any, **named: Any) -> Any:
        raise IndexError("ours")

    monkeypatch.setattr("momentum.diagnosis.hypothesis.replay_steps", broken)
    problem = Problem("float32", ((9,),), (ROW,) * 3, (0,))
    found = Result("c", "float32", "f", "must", "s", "s", "failed", problem=problem.to_text())
    with pytest.raises(IndexError):
        explainer.explain([found])


def plain_and(change: Any) -> Machine:
    """The accumulated rule with other gradients or hyper-parameters."""

    def changed(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
        if (given := change(np.asarray(grad), h)) is not None:
            update(i, *given)

    return machine(around("update").made(changed))


LIMITS = {
    "gradients all of whose elements are below about 1e-06 are left out": (
        lambda g, h: (g, h) if not g.size or np.max(np.abs(g)) >= 1e-6 else None,
        Problem("float32", ((9,),), (ROW,) * 3, (0,), kind="faint"),
    ),
    "elements of a gradient below about 1e-06 count as 0": (
        lambda g, h: (np.where(np.abs(g) < 1e-6, 0 * g, g), h),
        Problem("float32", ((9,),), (ROW,) * 3, (0,), kind="faint"),
    ),
    "where weight_decay is 1 or more: weight_decay is accepted and ignored": (
        lambda g, h: (g, h._replace(weight_decay=h.weight_decay * (h.weight_decay < 1))),
        Problem("float32", ((9,),), ((Hyper(0.1, weight_decay=1.75),),) * 3, (0,)),
    ),
    "lr is never below 0.01": (
        lambda g, h: (g, h._replace(lr=max(h.lr, 0.01))),
        Problem("float32", ((9,),), ((Hyper(0.0009765625, 0.5),),) * 3, (0,)),
    ),
    "gradients are clipped to 0.75": (
        lambda g, h: (np.clip(g, -0.75, 0.75), h),
        Problem("float32", ((9,),), (ROW,) * 3, (0,)),
    ),
}


@pytest.mark.parametrize("words", LIMITS)
def test_cause_finds_a_limit(words: str) -> None:
    change, problem = LIMITS[words]
    assert cause(plain_and(change), problem).partition(": ")[2] == words


def test_cause_of_an_option_never_speaks_of_one_that_the_subject_lacks() -> None:
    subject = plain_and(lambda g, h: (0.5 * g, h))
    facts = replace(subject.facts, hyper=subject.facts.hyper - {"dampening"})
    problem = Problem("float32", ((9,),), (ROW,) * 3, (0,))
    words = cause(Restated(subject, facts), problem)
    assert words
    assert "dampening" not in words


@pytest.mark.parametrize(("held", "words"), [("float16", "lr is held in float16"),
                                             ("float32", "lr is held in float32")])  # fmt: skip
def test_a_rate_held_in_a_narrower_format_is_named(held: str, words: str) -> None:
    narrow = told.made(lambda run, i, h: h._replace(lr=float(np.asarray(h.lr, dtype=held))))
    problem = Problem("float64", ((7,),), (ROW,) * 3, (0,), "normal", seed=3)
    assert cause(narrow, problem) == f"from step 1 on: {words}"


def test_a_velocity_of_zeros_that_counts_as_none_is_named() -> None:
    problem = Problem("float32", ((5,), (3,)), ((Hyper(0.1, 0.9, 0.5),),) * 4, (0, 0), "late")
    words = cause(GALLERY["first_step_by_zero_velocity"].build(), problem)
    assert words.endswith(": the velocity starts anew where all of a parameter's is 0")


def test_a_decay_that_shrinks_the_velocity_is_named() -> None:
    def shrinking(run: Any, update: Any, i: int, grad: Any, h: Hyper) -> None:
        if i in run.states:
            left = run.states[i].v * (1 - h.weight_decay)
            run.states[i] = run.states[i]._replace(v=left)
        update(i, grad, h._replace(weight_decay=0.0))

    row = (Hyper(0.1, 0.9, weight_decay=0.25),)
    words = cause(around("update").made(shrinking), Problem("float32", ((5,),), (row,) * 4, (0,)))
    assert words.endswith(
        "the weight decay shrinks the velocity by 1 - weight_decay, and no parameter"
    )


def test_rates_of_a_scheduler_stay_its_own_while_a_cause_is_sought() -> None:
    """A plainer problem with other rates would fail, whatever the subject does."""
    check = CHECKS["scheduler_counts_hundreds_of_steps"]
    subject = GALLERY["scheduler_count_saturates"].build()
    result = run_check(check, subject, ACCUMULATED, "float32", "quick")
    words = cause(subject, Problem.from_text(result.problem))
    assert words.endswith(
        "with the framework's own scheduler: from step 130 on lr stays what it was"
    )
