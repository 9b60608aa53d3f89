"""What all checks stand on: who they apply to, what they declare, what a setting allows."""

from dataclasses import replace

import numpy as np
import pytest
from trials_of_machines import TORCH, facts, machine, trial

from momentum.checks import CHECKS, _given
from momentum.checks._check import agrees, check, same, told_apart, true
from momentum.checks._runs import forms
from momentum.conventions import get
from momentum.gallery import GALLERY
from momentum.subjects.judge import Measured
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.trial import Restated

# Who a check applies to.


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
    assert (made.defects, made.needs, made.random) == (("one", "two"), (), None)
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
        ([1.0], [1 + 2.0**-52], 2.0**-52, "x[0]: 1, wanted 1.0000000000000002"),
        ([np.inf], [np.inf], 0.0, "x"),
        (2.0, 1.0, 1.0, "x: 2, wanted 1"),
        ([1.0], [1.0, 2.0], np.inf, "x: shape (1,), wanted (2,)"),
    ],
)
def test_same_is_equal_bit_for_bit_and_says_where_not(got, wanted, error, where):
    with np.errstate(all="raise"):  # and says it by no warning
        measured = same(got, wanted, "x", 3)
    assert (measured.error, measured.bound, measured.where, measured.step) == (error, 0.0, where, 3)
    assert (measured.ratio > 1) == (error > 0)
    assert same(got, wanted, "x").step == 0


def test_true_holds_or_does_not():
    assert true(True, "here", 2) == Measured(0.0, 0.0, "here", 2)
    assert true(False, "here", 2) == Measured(np.inf, 0.0, "here", 2)


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
    told = _given.apart(both, [on, off, on], (4,), 2)
    assert (told.hypers, told.groups) == (((on, off, on),) * 2, (0, 1, 2))
    assert told.shapes == ((4,),) * 3


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


@pytest.mark.parametrize("program", [True, False])
def test_a_program_is_asked_for_its_point_at_one_momentum_a_run(program):
    """It tells its point with its last answer, before it hears of another momentum."""
    of = machine("look_ahead")
    told = Restated(of, replace(of.facts, at_once=program))
    setting = Setting.of(told, of.convention, "float32")
    problems = list(CHECKS["gradient_is_taken_at_its_point"].always(setting))
    changing = [p for p in problems if len({row[0].momentum for row in p.hypers}) > 1]
    assert problems
    assert bool(changing) != program


def test_numbers_are_told_in_the_digits_of_float32_or_else_of_float64():
    assert told_apart(1 / 3, 0.0) == "0.333333333, wanted 0"
    assert told_apart(1.000000001, 1.0) == "1.0000000010000001, wanted 1"
    assert told_apart(2.0, 2.0) == "2, wanted 2"
