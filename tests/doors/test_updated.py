"""What an update of expected failures adds, keeps and takes away."""

from dataclasses import replace

import pytest

from momentum.checks.result import Header, Result, Results
from momentum.doors.check import updated
from momentum.runner.expectations import Expectation

BAD = Result("c", "float32", "f", "must", "s", "", "failed", error=2.0, bound=1.0, ratio=2.0)
KNOWN = Expectation("c[float32]", "known", "issue 1")


def of(*results):
    return Results(Header("t", "scaled", (), 0, "quick", ("float32",)), results)


@pytest.mark.parametrize(
    ("level", "strict", "added"),
    [("must", False, True), ("must", True, True), ("should", False, False), ("should", True, True)],
)
def test_advice_is_expected_only_where_it_counts(level, strict, added):
    ids = [e.id for e in updated([], of(replace(BAD, level=level)), strict)]
    assert ids == (["c[float32]"] if added else [])


def test_what_still_fails_keeps_its_reason():
    assert updated([KNOWN], of(replace(BAD, verdict="expected_failure"))) == [KNOWN]


def test_what_passes_goes_and_what_was_not_run_stays():
    other = KNOWN._replace(id="d[float32]")
    surprise = replace(BAD, surprise=True)
    assert updated([KNOWN, other], of(surprise)) == [other]
