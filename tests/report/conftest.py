"""Results made by hand, one of each verdict and kind of failure."""

from dataclasses import replace

import pytest

from momentum.checks.result import Header, Result, Results, Series
from momentum.conventions import Hyper
from momentum.subjects.problems import Problem

INF, NAN = float("inf"), float("nan")
HEADER = Header(
    target="pkg:SGD",
    convention="accumulated",
    formula=("v = momentum v + d", "x = x - lr v"),
    seed=0,
    effort="quick",
    dtypes=("float32", "float16"),
    asked="accumulated",
    arguments=("pkg:SGD", "--set", "name=it's"),
    versions={"python": "3.11.7", "torch": "2.13.0"},
    platform="Linux",
)
PROBLEM = Problem("float32", ((3,),), ((Hyper(0.1, 0.9),),) * 4, (0,)).to_text()
SERIES = Series(
    where="parameter 0 of shape (3,)[1]",
    note="float32, lr 0.1, momentum 0.9",
    start=1.0,
    steps=(1, 2, 3, 4),
    got=(0.9, 0.75, INF, NAN),
    exact=(0.9, 0.7, 0.5, 0.25),
    bound=(0.0, 0.0125, 0.025, INF),
    step_error=(0.0, 0.05, INF, INF),
    step_bound=(0.0125, 0.0125, 0.0125, 0.0125),
)
GOOD = Result(
    check="agrees", dtype="float32", family="trajectory", level="must",
    statement="Every iterate lies within its bound.", source="Higham, 2nd ed.", verdict="passed",
    error=0.1, bound=0.2, ratio=0.5, step=3, how="step", where="step 3, parameter 0 of shape ()[]",
    problem=PROBLEM, problems=5, ratios={"trajectory": 0.25, "step": 0.5},
)  # fmt: skip
WRONG = replace(
    GOOD, dtype="float16", verdict="failed", error=0.05, bound=0.0125, ratio=4.0, step=2,
    how="trajectory", where="step 2, parameter 0 of shape (3,)[1]", ratios={"trajectory": 4.0},
    series=SERIES, explanation="the velocity holds the learning rate",
)  # fmt: skip
LAW = replace(
    GOOD, check="copies", family="state", statement="A copy is <faithful> & whole.", how="",
    verdict="failed", error=0.5, bound=0.0, ratio=INF, step=1, where="step 1: 1, wanted 1.5",
    ratios={}, series=replace(SERIES, got=SERIES.exact, step_error=(0.0,) * 4),
)  # fmt: skip
ERROR = replace(
    LAW, check="pickles", verdict="errored", reason="still running after 2 s", error=0.0, ratio=0.0,
    where="", step=0, series=None,
)  # fmt: skip
UNTRIED = replace(
    ERROR, check="resumes", reason="not tried: the subject was lost 2 times in float32", problem=""
)
ADVICE = replace(LAW, check="refuses_nan", family="validation", level="should", error=INF)
SKIPPED = replace(
    GOOD, check="dampens", family="dampening", verdict="skipped", reason="takes no dampening"
)
KNOWN = replace(
    WRONG, check="nesterov", family="nesterov", verdict="expected_failure",
    reason="skips whole vector blocks", reference="pytorch/pytorch#191763",
)  # fmt: skip
SURPRISE = replace(
    GOOD, check="decays", family="decay", verdict="failed", surprise=True,
    reason="was expected to fail (issue 1) and passed: remove the entry",
)  # fmt: skip
ALL = (GOOD, WRONG, LAW, ERROR, UNTRIED, ADVICE, SKIPPED, KNOWN, SURPRISE)


@pytest.fixture
def results():
    return Results(
        HEADER,
        ALL,
        stale=("gone[float32]",),
        control="a known-wrong twin failed agrees[float32], as it must",
        impulse=replace(SERIES, got=SERIES.exact),
    )


@pytest.fixture
def good():
    return Results(HEADER, (GOOD, replace(GOOD, dtype="float16"), SKIPPED), control="did")
