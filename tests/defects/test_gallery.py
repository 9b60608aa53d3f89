"""Every defect runs, and is wrong somewhere."""

import importlib.util
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from momentum.conventions import Hyper
from momentum.defects import GALLERY, INEXPRESSIBLE, REPORTS, THEMES

_spec = importlib.util.spec_from_file_location(
    "scenarios", Path(__file__).with_name("scenarios.py")
)
scenarios = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(scenarios)


def honest(subject):
    """The same machine without the defect."""
    working = replace(subject.working, cuts=False) if subject.working.cuts else subject.working
    return replace(subject, name="honest", rule=None, run=None, working=working, memory={})


@cache
def right_answers(key):
    """Filled by `wrong_where`: scenario -> answer of the right machine."""
    return {}


def wrong_where(defect):
    """The first scenario whose answer differs from the right machine's."""
    subject = defect.build()
    right = honest(subject)
    for dtype in defect.dtypes:
        key = (defect.convention, right.working, right.dtypes, right.without, dtype)
        known = right_answers(key)
        pairs = zip(scenarios.scenarios(subject, dtype), scenarios.scenarios(right, dtype))
        for number, ((name, wrong), (_, truth)) in enumerate(pairs):
            if number not in known:
                known[number] = scenarios.answer(truth)
            if scenarios.answer(wrong) != known[number]:
                return f"{name}, {dtype}"
    return None


@pytest.mark.parametrize("name", GALLERY)
def test_defect_starts_and_steps(name):
    defect = GALLERY[name]
    run = defect.build().start([np.ones(3)], [Hyper(0.1, 0.9)], defect.dtypes[0])
    run.step([np.ones(3)])
    assert run.parameters()[0].shape == (3,)


@pytest.mark.parametrize("name", GALLERY)
def test_defect_differs_from_the_right_machine_somewhere(name):
    assert wrong_where(GALLERY[name])


def test_right_machine_answers_the_same_twice():
    for convention in ("accumulated", "scaled", "look_ahead", "averaged_debiased"):
        defect = next(d for d in GALLERY.values() if d.convention == convention)
        right = honest(defect.build())
        for (name, first), (_, second) in zip(
            scenarios.scenarios(right, "float32"), scenarios.scenarios(right, "float32")
        ):
            assert scenarios.answer(first) == scenarios.answer(second), name


def test_right_machine_fails_only_where_it_must():
    """Refusals of bad values and of foreign state are nested; at the top nothing fails."""
    for name in ("lr_inside", "lr_outside"):
        right = honest(GALLERY[name].build())
        for scenario, function in scenarios.scenarios(right, "float32"):
            assert not isinstance(scenarios.answer(function), str), scenario


def test_reports_are_each_in_the_gallery_or_inexpressible():
    told = {key for defect in GALLERY.values() for key in defect.reports}
    assert told | set(INEXPRESSIBLE) == set(REPORTS)
    assert not told & set(INEXPRESSIBLE)
    assert len(REPORTS) == 72


def test_reports_name_repository_and_number():
    for refs in REPORTS.values():
        assert refs
        for ref in refs:
            repository, number = ref.split("#")
            assert repository.count("/") == 1
            assert number.isdigit()


def test_records_say_what_is_wrong_and_why():
    for defect in GALLERY.values():
        assert defect.statement.endswith("."), defect.name
        assert defect.cause, defect.name
        assert defect.level in ("must", "should")
        assert defect.build().facts.dtypes == defect.dtypes
        assert defect.build() is not defect.build()


def test_themes_hold_the_whole_gallery():
    assert len(GALLERY) >= 110
    assert len({theme.__name__ for theme in THEMES}) == len(THEMES)
