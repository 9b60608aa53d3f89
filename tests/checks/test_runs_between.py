"""Second runs of a check: on changed feeds, told of numbers, taken in other ways, in formats."""

import math
from dataclasses import replace

import numpy as np
import pytest
from test_plumbing import setting
from trials_of_machines import TORCH, H, machine, problem, trial

from momentum.checks import CHECKS, FAMILIES, Trial, _given
from momentum.checks._check import closed_form, true, worded
from momentum.checks._paths import (
    Other,
    bounds,
    feed_of,
    in_formats,
    law,
    near,
    times,
    unchanged,
    worst,
)
from momentum.checks._repeated import FEW, repeated, run_of
from momentum.checks._runs import catch_up, compared, every_form, stepped, walked
from momentum.checks.result import Result
from momentum.conventions import Hyper
from momentum.gallery import GALLERY
from momentum.gallery.machine.machine import MachineRun
from momentum.runner.one_check import run_check


class Told(MachineRun):
    """A right run that keeps what it was told."""

    def setup(self):
        self.heard = []

    def set(self, hyper, group=0):
        self.heard.append((hyper, group))
        super().set(hyper, group)


def telling(*rows, **more):
    return trial(*rows, subject=machine(run=Told), **more)


def test_families_are_the_public_files():
    assert {"state", "hooks", "trajectory"} <= set(FAMILIES)
    assert not {name for name in FAMILIES if name.startswith("_")} | {"result"} & set(FAMILIES)
    assert {check.family for check in CHECKS.values()} == set(FAMILIES)


@pytest.mark.parametrize("found", [None, False, 0.5, True])
def test_no_closed_form_is_a_reason_and_a_form_is_none(found):
    asked = []

    def find(convention, h):
        asked.append((convention.name, h))
        return found

    reason = closed_form(find)(trial(H._replace(lr=0.25), H))
    assert asked == [("accumulated", H._replace(lr=0.25))]
    told = "no closed form is on record for these hyper-parameters"
    assert reason == (None if found else told)


def test_words_stand_before_and_after():
    (measured,) = worded(iter([true(True, "here", 2)]), "a ", " z")
    assert (measured.where, measured.step) == ("a here z", 2)
    assert (true(True, "here").step, true(True, "here").ratio) == (0, 0)
    assert true(False, "here").ratio == np.inf


def test_a_run_is_told_of_changes_unless_it_is_not_to_be():
    slower = H._replace(lr=0.25)
    told = telling(H, slower)
    for more, heard in (({}, [(slower, 0)]), ({"told": False}, [])):
        run = told.begin()
        assert len(list(told.onward(run, **more))) == 2
        assert run.heard == heard


# Problems.


def test_steady_problems_stay_as_they_are():
    told = _given.steady(setting(), [{"lr": 0.5}, {"lr": 0.25}], 3, ((4,),), kind="from_zero")
    assert [[row[0].lr for row in p.hypers] for p in told] == [[0.5] * 3, [0.25] * 3]
    assert [(p.shapes, p.kind, p.options) for p in told] == [(((4,),), "from_zero", ())] * 2


def test_moving_problems_change_what_is_on_plain_and_with_nesterov():
    plain, nesterov = _given.moving(setting(), [{}, {"lr": 0.125}], ((4,),))
    assert [row[0].nesterov for p in (plain, nesterov) for row in p.hypers] == [False] * 2 + [
        True
    ] * 2
    assert [row[0].lr for row in plain.hypers] == [_given.FULL["lr"], 0.125]
    with_options = _given.run(setting(), [H], options={"complex": True})
    assert (with_options.options, with_options.shapes) == ((("complex", True),), _given.VECTORS)


def test_what_is_full_is_pairwise_different_and_later_ones_are_others():
    numbers = [x for x in _given.FULL.values() if x is not True]
    assert len(set(numbers)) == len(numbers) == 5
    for changes in (_given.LATER, _given.CHANGED):
        assert all(_given.FULL[name] != x for name, x in changes.items())
        assert not set(changes.values()) & set(numbers)


def test_every_form_takes_three_steps():
    told = every_form(setting())
    assert [p.steps for p in told] == [3] * 5
    assert len({p.hypers[0] for p in told}) == 5


# Runs.


def test_a_walk_goes_on_with_the_run_that_is_given():
    told = telling()
    run = told.begin()
    seen = list(walked(told, run=run))
    assert [t for t, *_ in seen] == [0, 1, 2]
    assert all(at is run for _, at, *_ in seen)
    assert next(iter(walked(told)))[1] is not run
    assert max(m.ratio for m in stepped(told, run=told.begin())) <= 1
    assert max(m.ratio for m in stepped(told, run=run)) > 1  # it has gone on since


@pytest.mark.parametrize(("told", "heard"), [(True, [(H._replace(lr=0.25), 0)]), (False, [])])
def test_a_run_is_told_of_changes_once_or_not_at_all(told, heard):
    one = telling(H, H, H._replace(lr=0.25), H._replace(lr=0.25))
    run = one.begin()
    for _ in walked(one, run=run, told=told):
        pass
    assert run.heard == heard


def test_a_run_that_is_begun_anew_catches_up_with_what_changed():
    slow = H._replace(lr=0.25)
    for last, told in ((H, []), (slow, [(slow, 0)])):
        one = telling(H, slow, last)
        for stop, heard in ((0, []), (1, []), (2, [(slow, 0)]), (3, told)):
            run = one.begin()
            catch_up(run, one.problem, stop)
            assert run.heard == heard


def test_a_comparison_counts_the_steps_that_were_left_out():
    told = trial(*(H,) * 6)
    wanted = told.whole()
    assert [m.step for m in compared("x", wanted[3:], wanted, told.problem)] == [4, 4, 5, 5, 6, 6]
    assert [m.step for m in compared("x", wanted[:1], wanted[3:4], told.problem, 3)] == [4, 4]
    assert all(m.error == 0 for m in compared("x", wanted[3:], wanted, told.problem))


# Laws between two runs.


def test_a_law_holds_for_the_right_change_and_for_no_other():
    told = trial(H, H, shapes=((3,),))
    feed = feed_of(told.problem).mapped(times(2.0))
    right = Other(feed, wanted=times(2.0), name="doubled")
    back = Other(feed, got=times(0.5))
    assert all(m.ratio <= 1 for m in law(told, [right, back]))
    assert all(m.ratio <= 1 for m in law(told, [Other(feed)], feed))
    wrong = list(law(told, [Other(feed, name="as it is"), back]))
    assert all(m.ratio > 1 for m in wrong[:2])
    assert wrong[0].where.startswith("as it is: step 1, parameter 0 of shape (3,)[")
    assert wrong[2].where.startswith("step 1, ")
    assert unchanged(1, feed.start[0]) is feed.start[0]


def test_two_runs_in_other_shapes_are_compared_where_they_come_to_the_same():
    told = problem((H,), ((2, 2),))
    wanted, allowed = [[np.arange(4.0)]], [[np.full(4, 0.25)]]
    (measured,) = near(
        [[np.arange(4.0).reshape(2, 2)]], wanted, allowed, told, lambda i, x: x.reshape(2, 2)
    )
    assert (measured.error, measured.bound, measured.claims) == (0.0, 0.5, True)


def test_the_worst_is_the_largest_part_of_its_bound():
    error, bound = np.array([[2.0, 1.0], [np.nan, 0.0]]), np.array([[4.0, 1.0], [9.0, 0.0]])
    measured = worst(error, bound, "x", 2, "so", np.zeros((2, 2)), np.ones((2, 2)))
    assert measured.where == "x[1, 0]: 0, wanted 1"
    assert (measured.error, measured.bound, measured.how) == (math.inf, 9.0, "so")
    whole = worst(np.float64(0.5), np.float64(1.0), "x", 1)
    assert (whole.where, whole.ratio) == ("x", 0.5)
    told = worst(np.zeros(2), np.ones(2), "x", 1, "", np.zeros(2), np.zeros(2))
    assert told.where == "x[0]"


def test_each_parameter_is_judged_in_its_own_format():
    names = ("float32", "float64")
    told = trial(H, H._replace(lr=0.25), shapes=((3,), (3,)))
    feed = feed_of(replace(told.problem, dtype="float32"))
    found = list(in_formats(told, names, feed.start, feed.gradients))
    assert all(m.ratio <= 1 for m in found)
    assert found[1].bound < 1e-12 < found[0].bound < 1e-5
    wrong = replace(told, subject=GALLERY["one_format_for_the_group"].build())
    start = [x + 2.0**-40 for x in feed.start]
    narrow = [start[0].astype("f4").astype(float), start[1]]
    fed = [[g + 2.0**-40 for g in row] for row in feed.gradients]
    rows = [[row[0].astype("f4").astype(float), row[1]] for row in fed]
    assert all(m.ratio <= 1 for m in in_formats(told, names, narrow, rows))
    off = [m for m in in_formats(wrong, names, narrow, rows) if m.ratio > 1]
    assert [m.where.split("[")[0] for m in off] == [f"step {off[0].step}, parameter 1 in float64"]
    assert off[0].where.endswith("], formats float32, float64")
    assert off[0].step in (1, 2)


def test_many_shapes_go_in_runs_of_a_few_which_are_told_once():
    begun = []

    class Kept(Told):
        def setup(self):
            super().setup()
            begun.append(self)

    told = trial(H, H, H._replace(lr=0.25), shapes=((5,),), subject=machine(run=Kept))
    assert all(m.ratio <= 1 for m in repeated(told, [(2,)] * (FEW + 1)))
    assert [len(run.theta) for run in begun] == [FEW, 1]
    assert [run.heard for run in begun] == [[(H._replace(lr=0.25), 0)]] * 2


def test_a_failure_in_one_of_many_shapes_is_a_run_of_that_shape():
    told = problem((H,), ((5,),))
    where = "step 1, a copy of coordinate 1 in shape (3, 4)"
    made = Result("it", "float64", "shapes", "must", "It.", "law", "failed")
    made = replace(made, where=where, problem=told.to_text())
    assert run_of(made).shapes == ((3, 4),)
    assert run_of(replace(made, where="step 1, a copy of coordinate 1 in shape (7,)")).shapes == (
        (7,),
    )
    assert run_of(replace(made, where="step 1, parameter 0")) is None


def test_a_trial_on_other_fields_leaves_the_first_alone():
    one = trial(H, H)
    other = one.on(seed=5)
    assert (one.problem.seed, other.problem.seed) == (0, 5)
    assert isinstance(other, Trial)
    assert [x.tolist() for x in one.fresh().parameters()] == [[0, 0, 0], [[0, 0], [0, 0]]]
    assert one.parameters == ["parameter 0 of shape (3,)", "parameter 1 of shape (2, 2)"]
    assert other.convention is TORCH
    assert Hyper(0.5, 0.5) == H


def test_steps_in_another_way_are_told_of_changes_and_judged_by_them():
    rows = (H, H._replace(lr=0.25), H._replace(lr=0.125))
    assert max(m.ratio for m in stepped(trial(*rows))) <= 1
    assert max(m.ratio for m in stepped(trial(*rows), told=False)) > 1


def test_bounds_of_parameters_that_are_judged_together_are_each_ones_own():
    told = trial(H, H, shapes=((3,), (2, 2), (1,)))
    for i, found in enumerate(zip(*bounds(told, feed_of(told.problem)))):
        fed = [row[i] for row in feed_of(told.problem).gradients]
        alone = told.replay(told.problem.start[i], fed, [H, H])
        assert [x.tolist() for x in found] == [x.tolist() for x in alone.bound]


def test_a_run_goes_on_from_where_its_last_step_led():
    """The gradient of a bowl depends on where the parameter is."""
    told = trial(*(H,) * 4, kind="bowl")
    wanted = told.whole()
    run, gone = told.until(2)
    rest = list(told.onward(run, gone))
    for (fed, here), (wanted_fed, there) in zip(rest, wanted[2:], strict=True):
        assert [x.tolist() for x in fed] == [x.tolist() for x in wanted_fed]
        assert [x.tolist() for x in here] == [x.tolist() for x in there]
    moved = [x + 1.0 for x in gone[-1][1]]
    other = next(told.onward(told.until(2)[0], gone, moved))
    assert [x.tolist() for x in other[0]] != [x.tolist() for x in wanted[2][0]]


def test_copies_are_judged_step_by_step():
    told = trial(H, H, shapes=((5,),))
    found = list(repeated(told, [(2,), (7,)]))
    assert [(m.step, m.how) for m in found] == [(n, "trajectory") for n in (1, 1, 2, 2)]
    assert [m.where.split(",")[0] for m in found] == ["step 1"] * 2 + ["step 2"] * 2


class Clearing(MachineRun):
    """A run that forgets its velocities where a group joins."""

    def add_group(self, parameters, hyper):
        super().add_group(parameters, hyper)
        self.states.clear()


def test_a_sequence_of_calls_names_the_group_that_joined_in_it():
    check = CHECKS["any_order_of_calls_agrees"]
    result = run_check(check, machine(run=Clearing), TORCH, "float32", "quick", shrinks=0)
    assert result.verdict == "failed"
    assert result.where.startswith("a group joined, ")
