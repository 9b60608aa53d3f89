"""What all checks stand on: who they apply to, how two paths are compared, where runs are cut."""

from dataclasses import replace

import numpy as np
import pytest

from momentum.arithmetic import exact_array
from momentum.checks import CHECKS, Trial, _given
from momentum.checks._check import agrees, check, same, true
from momentum.checks._paths import Feed, against, bounds, crowded, feed_of, flat, near, path
from momentum.checks._repeated import _extremes, repeated
from momentum.checks._runs import by_turns, catch_up, compared, forms, stops
from momentum.conventions import Hyper, get
from momentum.gallery import GALLERY, Machine
from momentum.oracle.replay import replay_steps
from momentum.subjects.judge import Measured
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import SubjectError

TORCH = get("accumulated")
H = Hyper(0.5, 0.5)


def machine(name="accumulated", **fields):
    return Machine("machine", get(name), **fields)


def problem(rows=(H,) * 3, shapes=((3,), (2, 2)), **more):
    return Problem("float64", shapes, tuple((h,) for h in rows), (0,) * len(shapes), **more)


def trial(*rows, subject=None, **more):
    return Trial(subject or machine(), TORCH, problem(rows or (H,) * 3, **more))


# Who a check applies to.


def facts(**fields):
    return replace(machine().facts, **fields)


def needing(*needs):
    return replace(CHECKS["agrees_with_oracle"], needs=needs)


@pytest.mark.parametrize(
    ("needs", "fields", "reason"),
    [
        ((), {}, None),
        (("resume", "groups", "none_gradients", "scalars", "empty"), {}, None),
        (("resume",), {"offers": frozenset()}, "does not offer resume"),
        (("groups",), {"groups": False}, "has no groups"),
        (("none_gradients",), {"none_gradients": False}, "has no none gradients"),
        (("settable:lr",), {"settable": frozenset()}, "lr cannot be changed in a run"),
        (("settable:lr",), {"fixed": {"lr": 0.1}}, "lr cannot be changed in a run"),
        (("settable:lr",), {}, None),
        (("hyper:nu",), {}, "convention accumulated has no nu"),
        (("hyper:lr",), {}, None),
        (("hyper:weight_decay",), {"fixed": {"weight_decay": 0.0}}, "weight_decay is fixed to 0"),
        (("closed form:share",), {}, None),
        (("velocity",), {}, None),
        ((), {"fixed": {"nu": 1.0}}, None),
        ((), {"fixed": {"nu": 0.5}}, "convention accumulated has no nu, which is fixed to 0.5"),
        ((), {"fixed": {"momentum": 0.0, "dampening": 0.3}}, "dampening 0.3 without momentum"),
    ],
)
def test_a_check_says_why_it_does_not_apply(needs, fields, reason):
    told = facts(**fields)
    if "fixed" in fields:
        told = replace(told, hyper=told.hyper - set(fields["fixed"]))
    found = needing(*needs).why_not(told, TORCH)
    assert found is None if reason is None else str(found).startswith(reason)


def test_a_rule_that_keeps_iterates_has_no_velocity_to_go_on_with():
    found = needing("velocity").why_not(machine("two_point").facts, get("two_point"))
    assert found == "convention two_point goes on from the iterates that it kept"


def test_a_closed_form_that_is_not_on_record_is_named():
    without = replace(TORCH, response=TORCH.response._replace(rate=None))
    found = needing("closed form:rate").why_not(facts(), without)
    assert found == "no closed form is on record for the path on a quadratic"


def test_a_name_is_given_once_and_a_declaration_is_a_check_of_its_file():
    told = {"statement": "It.", "source": "law", "catches": "one two"}
    with pytest.raises(ValueError, match="two checks called agrees_with_oracle"):
        agrees(**told)(agrees_with_oracle)
    agrees(level="should", **told)(declared_here)
    made = CHECKS.pop("declared_here")
    assert (made.family, made.level, made.statement) == ("test_plumbing", "should", "It.")
    assert (made.catches, made.needs, made.random) == (("one", "two"), (), None)
    assert made.always is declared_here
    assert not made.every_dtype
    assert not made.errors_fail
    wrong = GALLERY["momentum_squared"].build()
    assert max(m.ratio for m in made.measure(trial())) <= 1
    assert max(m.ratio for m in made.measure(trial(subject=wrong))) > 1
    check(**told)(_measure)
    assert CHECKS.pop("_measure").measure is _measure


def agrees_with_oracle(setting):
    return ()


def declared_here(setting):
    return ()


def _measure(trial):
    yield true(True, "")


# Bit for bit.


@pytest.mark.parametrize(
    ("got", "wanted", "error", "where"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0, "x"),
        ([np.nan, -0.0], [np.nan, 0.0], 0.0, "x"),
        ([1.0, 2.5], [1.0, 2.0], 0.5, "x[1]: 2.5, wanted 2"),
        ([4.0, 2.5], [1.0, 2.0], 3.0, "x[0]: 4, wanted 1"),
        ([1.0, np.nan], [1.0, 2.0], np.inf, "x[1]: nan, wanted 2"),
        ([np.inf], [np.inf], 0.0, "x"),
        (2.0, 1.0, 1.0, "x: 2, wanted 1"),
        ([1.0], [1.0, 2.0], np.inf, "x: shape (1,), wanted (2,)"),
    ],
)
def test_same_is_equal_bit_for_bit_and_says_where_not(got, wanted, error, where):
    measured = same(got, wanted, "x", 3)
    assert (measured.error, measured.bound, measured.where, measured.step) == (error, 0.0, where, 3)
    assert (measured.ratio > 1) == (error > 0)


def test_true_holds_or_does_not():
    assert true(True, "here", 2) == Measured(0.0, 0.0, "here", 2)
    assert true(False, "here", 2) == Measured(np.inf, 0.0, "here", 2)


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


def test_runs_go_by_turns():
    seen = []

    def run(name):
        for t in range(3):
            seen.append((name, t))
            yield [np.full(1, t)]

    both = by_turns(run("a"), run("b"))
    assert seen == [(n, t) for t in range(3) for n in "ab"]
    assert [[int(x[0]) for (x,) in path] for path in both] == [[0, 1, 2], [0, 1, 2]]


# What a setting allows.


def setting(**fields):
    return Setting.of(Fixed(machine(), facts(**fields)), "accumulated", "float32", "quick")


class Fixed:
    """The machine with other facts."""

    def __init__(self, subject, told):
        self.subject, self.facts = subject, told
        self.start = subject.start


def test_hyper_parameters_are_changed_where_they_can_be():
    both = setting()
    on, off = _given.hyper(both, **_given.FULL), _given.hyper(both, lr=0.3)
    assert _given.changed(both, on, lr=0.1, momentum=0.5)[:2] == (0.1, 0.5)
    assert _given.changed(both, off, lr=0.1, momentum=0.5)[:2] == (0.1, 0.0)
    stiff = setting(settable=frozenset({"momentum"}))
    assert _given.changed(stiff, on, lr=0.1, momentum=0.5)[:2] == (on.lr, 0.5)
    assert _given.revised(both, on, lr=0.1).lr == 0.1
    assert _given.free(both, "lr", "momentum")
    assert not _given.free(both, "lr", "nu")
    told = _given.run(both, [on, (off,)], [(3,), (2,)], missing=[(1, 0)], seed=5)
    assert (told.hypers, told.groups, told.missing) == (((on,), (off,)), (0, 0), {(1, 0)})
    assert (told.dtype, told.kind, told.seed) == ("float32", "normal", 5)


def test_forms_are_the_branches_that_the_setting_has():
    found = forms(setting())
    assert [(h.momentum > 0, h.weight_decay > 0, h.maximize, h.nesterov) for h in found] == [
        (True, False, False, False),
        (True, True, False, False),
        (True, False, True, False),
        (True, False, False, True),
        (True, True, True, False),
    ]
    without = facts().hyper - {"nesterov", "maximize"}
    assert len(forms(setting(hyper=without))) == 3


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
