"""A command is a function that returns a record; every door gives the same results."""

import json
import os
import sys
from pathlib import Path

import pytest

import momentum
from momentum.doors.command_line import entry
from momentum.doors.parametrize import ConformanceFailure, cases
from momentum.doors.targets import Target
from momentum.errors import UsageError
from momentum.runner.options import Options

SUBJECTS = """
import numpy as np

def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v

def flushes(theta, v, grad, lr, momentum):
    theta, v = right(theta, v, grad, lr, momentum)
    return tuple(x * (abs(x) >= np.finfo(x.dtype).tiny) for x in (theta, v))

def wrong(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - 1.0009765625 * v, v
"""
ONLY = ("agrees_with_oracle", "follows_the_learning_rate")


@pytest.fixture
def subjects(tmp_path, monkeypatch):
    (tmp_path / "door_subjects.py").write_text(SUBJECTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import door_subjects

    yield door_subjects
    del sys.modules["door_subjects"]


def test_check_returns_the_results_of_a_right_optimizer(subjects):
    results = momentum.check(subjects.right, "scaled", effort="quick", only=ONLY)
    assert results.verdict() == "passed"
    assert {r.check for r in results.results} == set(ONLY)
    assert results.header.arguments == ("door_subjects:right",)


def test_what_may_flush_subnormal_numbers_can_be_said(subjects):
    asked = {"dtypes": ["float32"], "effort": "quick", "only": ["all_magnitudes_agree"]}
    assert momentum.check(subjects.flushes, "scaled", **asked).verdict() == "failed"
    results = momentum.check(subjects.flushes, "scaled", **asked, flushing=True)
    assert results.verdict() == "passed"
    assert results.header.arguments == ("door_subjects:flushes", "--flushing")
    words = ["--as", "scaled", "--dtype", "float32", "--only", "all_magnitudes_agree"]
    assert entry(["check", *results.header.arguments, *words]) == 0


def test_check_finds_the_same_whatever_the_number_of_jobs(subjects):
    found = [
        momentum.check(subjects.wrong, "scaled", effort="quick", only=ONLY, jobs=n) for n in (1, 3)
    ]
    assert found[0] == found[1]
    assert found[0].verdict() == "failed"


def test_doors_give_the_same_verdicts_ids_and_causes(subjects):
    by_function = momentum.check("door_subjects:wrong", "scaled", effort="quick", only=ONLY)
    arguments = ["check", "door_subjects:wrong", "--as", "scaled", "--effort", "quick"]
    for name in ONLY:
        arguments += ["--only", name]
    assert entry([*arguments, "--jsonl", "report.jsonl"]) == 1
    lines = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    by_command = {x["id"]: x for x in lines if x["record"] == "result"}
    causes = lines[-1]["causes"]
    assert list(by_command) == [r.id for r in by_function.results]
    told = {}
    options = Options(effort="quick", only=tuple(ONLY))
    for case in cases(Target("door_subjects:wrong"), "scaled", options)[1:]:
        with pytest.raises(ConformanceFailure) as caught:
            case()
        told[case.job.id] = str(caught.value)
    for r in by_function.results:
        record = by_command[r.id]
        assert (record["verdict"], record["problem"]) == (r.verdict, r.problem)
        assert causes[r.id] == r.explanation
        assert r.explanation
        # A test is judged alone: what only other results contradict may stand there as well.
        assert "\ncause: from step 1 on: " in told[r.id]
        assert record["replay"] in told[r.id]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"convention": "no_such"}, "unknown convention"),
        ({"convention": "scaled", "dtypes": ("float23",)}, "unknown dtype"),
        ({"convention": "scaled", "only": ("no_such",)}, "unknown check"),
        ({"effort": "quik"}, "unknown effort 'quik': known are .*; did you mean 'quick'"),
        ({"time_limit": 0}, "time_limit must be above 0"),
        ({"jobs": -1}, "jobs must be above 0"),
        ({"convention": "scaled", "expected": {"no_such[float32]": "x"}}, "no such check"),
    ],
)
def test_check_refuses_what_does_not_fit(subjects, options, words):
    with pytest.raises(UsageError, match=words):
        momentum.check(subjects.right, **options)


def test_check_takes_expected_failures(subjects):
    expected = {"agrees_with_oracle[float64]": "known"}
    results = momentum.check(
        subjects.wrong, "scaled", effort="quick", only=ONLY[:1], dtypes=("float64",),
        expected=expected,
    )  # fmt: skip
    assert [r.verdict for r in results.results] == ["expected_failure"]


def test_check_leaves_the_caller_as_it_was(subjects, tmp_path):
    before = sorted(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else []
    momentum.check(subjects.right, "scaled", effort="quick", only=ONLY[:1])
    after = sorted(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else []
    assert len(after) == len(before)
