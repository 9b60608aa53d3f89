"""What a run is asked for, and what it is worth in the end."""

import pytest

from momentum.checks import CHECKS
from momentum.checks.result import Header, Result, Results
from momentum.gallery import GALLERY
from momentum.runner.options import Options, jobs, selected

SUBJECT = GALLERY["momentum_squared"].build()
DTYPES = SUBJECT.facts.dtypes


def test_jobs_are_those_that_were_asked_for():
    def ids(*only, dtypes=()):
        return [f"{c.name}[{d}]" for c, d in jobs(SUBJECT, Options(only=only, dtypes=dtypes))]

    assert ids("agrees_with_oracle[float16]") == ["agrees_with_oracle[float16]"]
    assert ids("agrees_with_oracle", dtypes=("float64",)) == ["agrees_with_oracle[float64]"]
    assert ids("trajectory") == [
        f"{c.name}[{d}]"
        for c in CHECKS.values()
        if c.family == "trajectory"
        for d in (DTYPES if c.every_dtype else DTYPES[:1])
    ]
    assert [c.name for c in selected(())] == list(CHECKS)


@pytest.mark.parametrize(
    ("verdict", "level", "code", "strict"),
    [
        ("passed", "must", 0, 0),
        ("failed", "must", 1, 1),
        ("errored", "must", 1, 1),
        ("failed", "should", 3, 1),
        ("errored", "should", 3, 1),
        ("expected_failure", "must", 0, 0),
        ("skipped", "must", 3, 3),
    ],
)
def test_results_decide_the_exit_code(verdict, level, code, strict):
    result = Result("c", "float32", "f", level, "s", "", verdict, ratio=2.0)
    header = Header("t", "scaled", (), 0, "quick", ("float32",))
    results = Results(header=header, results=(result,))
    assert (results.exit_code(), results.exit_code(strict=True)) == (code, strict)
