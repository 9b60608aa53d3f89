"""What is to be run: which checks, in which dtypes, and what is refused before anything is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.errors import UsageError
from momentum.gallery import Machine
from momentum.runner import options
from momentum.runner.options import Options, convention_of, jobs, judged_in, selected
from momentum.subjects.isolation import Lost

DTYPES = ("float32", "float64", "float16")
SUBJECT = Machine("right", get("scaled"), dtypes=DTYPES)
ONE = next(c.name for c in CHECKS.values() if not c.every_dtype)
EVERY = "agrees_with_oracle"
PROBLEM = SimpleNamespace(dtype="float16")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"only": ("no_such",)}, r"unknown check 'no_such' \(--list shows all\)"),
        ({"only": ("trajectry",)}, r"all\); did you mean 'trajectory'\?"),
        ({"dtypes": ("float23",)}, "float23"),
        ({"replay": PROBLEM}, "--replay needs exactly one --only"),
        ({"replay": PROBLEM, "only": ("trajectory", EVERY)}, "--replay needs exactly one"),
        ({"replay": PROBLEM, "only": ("schedules",)}, "--replay needs exactly one"),
        ({"workers": 0}, "jobs must be above 0, not 0"),
        ({"time_limit": 0.0}, "time_limit must be above 0, not 0"),
        ({"time_limit": 1.5e6}, "time_limit must be"),
        ({"time_limit": float("nan")}, "time_limit must be"),
        ({"total_limit": -1.0}, "total_limit must be above 0, not -1"),
        ({"effort": "quik"}, r"'quik': known are quick, normal, deep; did you mean 'quick'\?"),
    ],
)
def test_what_fits_no_run_is_refused_before_anything_is_loaded(given, words):
    with pytest.raises(UsageError, match=words):
        Options(**given).checked("scaled")


def test_what_fits_is_taken_with_the_names_of_its_dtypes():
    given = Options(dtypes=("f32", "float64", "float32"), only=(EVERY,), replay=PROBLEM)
    assert given.checked(None) == replace(given, dtypes=("float32", "float64"))
    assert Options().workers == 1
    with pytest.raises(UsageError, match="unknown convention 'no_such'"):
        Options().checked("no_such")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Lost("was killed"), "convention 'a.py:RULE': its file was killed"),
        (Lost("still", slow=True), "its file was not done after 2.5 s"),
        (True, "unknown convention 'a.py:RULE'"),
    ],
)
def test_the_file_of_a_convention_is_run_elsewhere_first(monkeypatch, said, words):
    def get_(which):
        raise ValueError(f"unknown convention {which!r}")

    def streamed(work, limit):
        assert (list(work()), limit) == ([True], 2.5)
        return [said]

    monkeypatch.setattr(options, "stream", streamed)
    monkeypatch.setattr(options, "get", get_)
    with pytest.raises(UsageError, match=words):
        convention_of("a.py:RULE", 2.5)


def test_a_convention_by_name_runs_nothing_first(monkeypatch):
    monkeypatch.setattr(options, "stream", None)
    assert convention_of("scaled", 2.5) == get("scaled")
    assert convention_of(get("scaled"), 2.5) == get("scaled")


def test_checks_are_selected_by_name_and_by_family():
    family = [c.name for c in CHECKS.values() if c.family == "schedules"]
    assert [c.name for c in selected(("schedules",))] == family
    assert [c.name for c in selected((f"{EVERY}[float32]",))] == [EVERY]
    assert [c.name for c in selected(())] == list(CHECKS)


def ids(*only, **given):
    return [f"{c.name}[{d}]" for c, d in jobs(SUBJECT, Options(only=only, **given))]


def test_jobs_are_those_that_were_asked_for():
    assert ids(EVERY) == [f"{EVERY}[{d}]" for d in DTYPES]
    assert ids(ONE) == [f"{ONE}[float32]"]
    assert ids(EVERY, dtypes=("float64",)) == [f"{EVERY}[float64]"]
    assert ids(ONE, dtypes=("float16", "float64")) == [f"{ONE}[float16]"]
    assert ids(f"{EVERY}[float16]", ONE) == sorted(
        [f"{EVERY}[float16]", f"{ONE}[float32]"],
        key=lambda id_: list(CHECKS).index(id_.partition("[")[0]),
    )
    assert ids(EVERY, replay=PROBLEM) == ids(f"{EVERY}[float32]", replay=PROBLEM)
    assert ids(EVERY, replay=PROBLEM) == [f"{EVERY}[float16]"]


def test_a_job_in_a_dtype_that_is_not_claimed_is_refused():
    words = r"matches nothing: the subject claims float32, float64, float16; did you mean 'float32'"
    with pytest.raises(ValueError, match=words):
        ids(f"{EVERY}[float23]")


def test_a_subject_is_judged_in_the_dtypes_asked_for():
    def dtypes(**given):
        return judged_in(SUBJECT, Options(**given)).facts.dtypes

    assert dtypes() == DTYPES
    assert dtypes(dtypes=("float64",)) == ("float64",)
    assert dtypes(replay=PROBLEM, dtypes=("float64",)) == ("float16",)
    also = (EVERY, f"{EVERY}[float16]", f"{EVERY}[float23]")
    assert dtypes(dtypes=("float64",), only=also) == ("float64", "float16")
    with pytest.raises(UsageError, match="does not claim bfloat16"):
        dtypes(only=(f"{EVERY}[bfloat16]",))
