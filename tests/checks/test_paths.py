"""How two paths are compared, where runs are cut, and numbers that repeat."""

from dataclasses import replace

import numpy as np
import pytest
from trials_of_machines import TORCH, H, machine, problem, trial

from momentum.arithmetic import exact_array
from momentum.checks import Trial
from momentum.checks._paths import (
    Feed,
    against,
    bounds,
    crowded,
    feed_of,
    flat,
    near,
    path,
    responds,
)
from momentum.checks._repeated import _extremes, repeated
from momentum.checks._runs import by_turns, catch_up, compared, goes_on, stops
from momentum.conventions import Hyper
from momentum.gallery import GALLERY
from momentum.oracle.replay import replay_steps
from momentum.subjects.protocol import SubjectError

# Two paths.


def test_paths_are_compared_at_every_step_and_parameter():
    told = trial()
    wanted = told.whole()
    assert path(told, feed_of(told.problem))[-1][1].tolist() == wanted[-1][1][1].tolist()
    assert [m.error for m in compared("it", wanted, wanted, told.problem)] == [0.0] * 6
    off = [(fed, [x.copy() for x in row]) for fed, row in wanted]
    off[1][1][0][2] += 0.5
    bad = [m for m in compared("it", off, wanted, told.problem) if m.error]
    assert len(bad) == 1
    assert bad[0].where.startswith("it: step 2, parameter 0 of shape (3,)[2]: ")
    assert bad[0].step == 2


@pytest.mark.parametrize(("off", "passes"), [(0.0, True), (1.9, True), (2.1, False)])
def test_two_runs_may_differ_by_the_bounds_of_both(off, passes):
    told = problem(rows=(H,), shapes=((2,),))
    start = told.start[0]
    wanted, allowed = [[start + 1.0]], [[np.full(2, 0.25)]]
    (measured,) = near([[wanted[0][0] + [0.0, 0.25 * off]]], wanted, allowed, told)
    assert (measured.ratio <= 1) == passes
    assert measured.claims
    assert measured.where.startswith("step 1, parameter 0 of shape (2,)[1]" if off else "step 1")


def test_two_runs_claim_nothing_where_they_hardly_move():
    told = problem(rows=(H,), shapes=((2,),))
    wanted = [[told.start[0] + 0.5]]
    (measured,) = near(wanted, wanted, [[np.full(2, 0.25)]], told)
    assert not measured.claims
    assert not list(near([[np.zeros(0)]], [[np.zeros(0)]], [[np.zeros(0)]], problem((H,), ((0,),))))


def test_not_a_number_is_beyond_every_bound_but_its_like():
    told = problem(rows=(H,), shapes=((2,),))
    there = np.array([1.0, np.nan])
    (measured,) = near([[there]], [[there]], [[np.ones(2)]], told)
    assert measured.error == 0
    (measured,) = near([[there]], [[np.ones(2)]], [[np.ones(2)]], told)
    assert measured.ratio > 1


def test_bounds_are_those_of_the_oracle_for_each_parameter_by_itself():
    rows = (H, H._replace(lr=0.25), H)
    told = problem(rows, missing=frozenset({(1, 1)}))
    told = replace(told, hypers=tuple((row[0], Hyper(0.125)) for row in told.hypers), groups=(0, 1))
    found = bounds(Trial(machine(), TORCH, told), feed_of(told))
    for i in range(2):
        fed = [row[i] for row in feed_of(told).gradients]
        hypers = [row[i] for row in told.hypers]
        alone = replay_steps(TORCH, told.start[i], fed, hypers, dtype="float64", tier="fast")
        for t in range(3):
            assert found[t][i].tolist() == alone.bound[t].tolist()


def test_feeds_are_changed_all_along():
    feed = feed_of(problem(missing=frozenset({(1, 0)})))
    twice = feed.mapped(lambda i, x: (i + 2) * x)
    assert twice.start[1].tolist() == (3 * feed.start[1]).tolist()
    assert twice.gradients[1][0] is None
    assert twice.gradients[2][0].tolist() == (2 * feed.gradients[2][0]).tolist()
    slow = feed.with_hypers(lambda h: h._replace(lr=h.lr / 2))
    assert [row[0].lr for row in slow.hypers] == [0.25] * 3
    assert isinstance(slow, Feed)


def test_room_is_what_ordinary_numbers_need():
    def tight(*rows, **changes):
        return crowded(trial(H, *rows).on(**changes)) is not None

    assert not tight(H._replace(weight_decay=2.0**-20))
    assert not tight(H._replace(lr=2.0**20))
    assert tight(H._replace(lr=2.0**-21))
    assert tight(H._replace(lr=2.0**21))
    assert tight(dtype="float16")
    assert flat([np.ones((2, 2)), np.zeros(1)]).tolist() == [1, 1, 1, 1, 0]
    assert flat([]).size == 0


def test_a_closed_form_is_compared_exactly():
    truth = exact_array(np.array([1.0, 2.0])) + exact_array(np.array([2.0**-60, 0.0]))
    measured = against(np.array([1.0, 2.5]), truth, np.array([1.0, 0.25]), "here", 4, np.zeros(2))
    assert (measured.error, measured.bound, measured.where, measured.step) == (
        0.5,
        0.25,
        "here[1]",
        4,
    )
    assert measured.claims
    tiny = against(np.array([1.0, 2.0]), truth, 2.0**-61, "here", 1)
    assert (tiny.error, tiny.ratio) == (2.0**-60, 2.0)
    assert against(np.array([np.nan, 2.0]), truth, 9.0, "here", 1).error == np.inf
    assert not against(np.array([1.0, 2.0]), truth, 2.5, "here", 1, np.zeros(2)).claims


def test_responses_are_held_to_what_the_first_gradient_leads_to():
    h = Hyper(0.3, 0.7)
    told = trial(h, h, h, shapes=((2,), (1,)), kind="impulse")
    found = list(responds(told, 3))
    names = [f"step {t}, {name}" for name in told.parameters for t in (1, 2, 3)]
    assert [m.where.split("[")[0] for m in found] == names
    assert [m.step for m in found] == [1, 2, 3] * 2
    assert all(m.ratio <= 1 for m in found)
    seen = told.observe()
    for i in range(2):
        rows = told.exactly(seen, i).bound
        assert all(m.bound in row for m, row in zip(found[3 * i :], rows))
    squared = trial(
        h, h, shapes=((2,),), kind="impulse", subject=GALLERY["momentum_squared"].build()
    )
    assert [m.ratio <= 1 for m in responds(squared, 2)] == [True, False]
    (first,) = responds(trial(h, h._replace(lr=0.6), shapes=((2,),), kind="impulse"), 1)
    assert first.ratio <= 1


# Where runs are cut.


def test_short_runs_are_cut_everywhere_and_long_ones_once():
    assert stops(problem((H,) * 4)) == [0, 1, 2, 3, 4]
    assert stops(problem((H,) * 6, seed=7)) == [3]
    assert {stops(problem((H,) * 6, seed=n))[0] for n in range(9)} == {1, 2, 3, 4, 5}


def test_a_run_cut_and_gone_on_is_the_run():
    rows = (H, H, H._replace(lr=0.25), H._replace(lr=0.125))
    cut = trial(*rows)
    told, wanted = cut.problem, cut.whole()
    run, gone = cut.until(2)
    assert [x.tolist() for x in gone[-1][1]] == [x.tolist() for x in wanted[1][1]]
    other = cut.fresh()
    other.load(run.save())
    assert other.hypers == [rows[1]]
    catch_up(other, told, 3)
    assert other.hypers == [rows[2]]
    catch_up(other, told, 0)
    assert other.hypers == [rows[2]]
    rest = list(wanted[2:])
    assert all(m.error == 0 for m in compared("cut", rest, wanted, told))
    moved = [(fed, [x + 1.0 for x in row]) for fed, row in rest]
    first = next(iter(compared("cut", moved, wanted, told)))
    assert (first.step, first.error) == (3, 1.0)
    assert first.where.startswith("cut: step 3, parameter 0 of shape (3,)[")


def test_a_run_gone_on_with_may_be_as_right_in_place_of_the_same():
    told = trial()
    wanted = told.whole()
    assert all(m.error == 0 and m.bound == 0 for m in goes_on("cut", told, wanted, wanted))
    near_by = [(fed, [np.nextafter(x, 9.0) for x in row]) for fed, row in wanted]
    found = list(goes_on("cut", told, near_by, wanted))
    assert all(m.ratio <= 1 and m.where.startswith("cut: ") for m in found)
    assert any(m.error > 0 for m in found)
    moved = [(fed, [x + 1.0 for x in row]) for fed, row in wanted]
    assert any(m.ratio > 1 for m in goes_on("cut", told, moved, wanted))


def test_runs_go_by_turns():
    seen = []

    def run(name):
        for t in range(3):
            seen.append((name, t))
            yield [np.full(1, t)]

    both = by_turns(run("a"), run("b"))
    assert seen == [(n, t) for t in range(3) for n in "ab"]
    assert [[int(x[0]) for (x,) in path] for path in both] == [[0, 1, 2], [0, 1, 2]]


# Numbers that repeat.


def test_the_least_and_the_greatest_copy_of_each_number():
    least, most = _extremes(np.array([1.0, 5.0, 2.0, 4.0, 0.0]), np.array([9.0, 8.0]))
    assert (least.tolist(), most.tolist()) == ([0.0, 4.0], [2.0, 5.0])
    least, most = _extremes(np.array([3.0]), np.array([9.0, 8.0]))
    assert (least.tolist(), most.tolist()) == ([3.0, 8.0], [3.0, 8.0])


def test_repeated_numbers_are_judged_wherever_they_stand():
    rows = (H, H, H._replace(lr=0.25))
    told = trial(*rows, shapes=((5,),))
    shapes = [(7,), (3, 4)]
    assert all(m.ratio <= 1 for m in repeated(told, shapes))
    skipped = trial(*rows, shapes=((5,),), subject=GALLERY["last_element_skipped"].build())
    first = next(iter(repeated(skipped, shapes)))
    assert first.ratio > 1
    assert first.where == "step 1, a copy of coordinate 1 in shape (7,)"
    wrong = trial(*rows, shapes=((5,),), subject=GALLERY["scalar_becomes_vector"].build())
    with pytest.raises(SubjectError, match=r"a parameter of shape \(\) has become \(1,\)"):
        list(repeated(wrong, [()]))
