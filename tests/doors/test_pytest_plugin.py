"""Checks as tests: with a decorator, and with no test file at all."""

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import momentum
from momentum.errors import UsageError
from momentum.report import jsonl

pytest_plugins = ("pytester",)

SUBJECTS = """
def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v

def wrong(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - 1.0009765625 * v, v
"""
ONLY = "only=('agrees_with_oracle', 'groups_follow_their_own')"


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest on a test file, or on none, and gives its outcomes and its output."""
    pytester.makepyfile(subjects=SUBJECTS)
    # Not all of sys.path: tests that load files leave folders there, one with a file torch.py.
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pytester.path), *filter(None, given)]))
    installed = any(
        e.value == "momentum.doors.pytest_plugin" for e in entry_points(group="pytest11")
    )
    plugin = () if installed else ("-p", "momentum.doors.pytest_plugin")

    def run(*arguments, text=None):
        if text is not None:
            pytester.makepyfile(test_it="import momentum, subjects\n" + text)
        return pytester.runpytest_subprocess(
            *plugin, "--strict-markers", "-p", "no:cacheprovider", *arguments
        )

    return run


def decorated(options, name="wrong"):
    return (
        f"@momentum.parametrize(subjects.{name}, as_='scaled', effort='quick', {options})\n"
        "def test_conformance(check):\n    check()\n"
    )


def test_parametrize_gives_one_test_a_check_and_dtype(run):
    result = run("-v", "-rs", text=decorated(ONLY, "right"))
    result.assert_outcomes(passed=4, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "*test_conformance[[]right-control[[]float32]] PASSED*",
            "*test_conformance[[]right-agrees_with_oracle[[]float32]] PASSED*",
            "*test_conformance[[]right-agrees_with_oracle[[]float64]] PASSED*",
            "*test_conformance[[]right-agrees_with_oracle[[]float16]] PASSED*",
            "SKIPPED*has no groups*",
        ]
    )


def test_parametrize_fails_with_a_message_that_can_be_read_alone(run):
    result = run(text=decorated(ONLY + ", dtypes=('float64',)"))
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    text = result.stdout.str()
    assert "Every iterate lies within its error bound of the exact trajectory. Not so [" in text
    assert "times its bound" in text
    assert "replay: momentum check subjects:wrong --as scaled" in text
    assert "run_check" not in text


def test_parametrize_tells_the_causes_that_the_command_line_tells(run, pytester):
    families = ["trajectory", "schedules", "first_step"]
    result = run(text=decorated(f"only={families}"))
    only = [f"--only={family}" for family in families]
    pytester.run(sys.executable, "-m", "momentum", "check", "subjects.py:wrong", "--as", "scaled",
                 "--effort", "quick", *only, "--jsonl", "told.jsonl")  # fmt: skip
    told = jsonl.read(pytester.path / "told.jsonl")
    failed = [r for r in told.results if r.verdict == "failed" and r.level == "must"]
    causes = [r.explanation for r in failed]
    assert len(causes) > 10
    assert all(causes)
    said = [line.partition("cause: ")[2] for line in result.outlines if "cause: " in line]
    assert [cause.splitlines()[0] for cause in causes] == said


def test_parametrize_marks_what_is_expected_to_fail(run):
    expected = "expected={'agrees_with_oracle[float64]': 'issue 12'}"
    result = run("-rx", text=decorated(f"{ONLY}, dtypes=('float64',), {expected}"))
    result.assert_outcomes(passed=1, xfailed=1, skipped=1)
    result.stdout.fnmatch_lines(["XFAIL*issue 12*"])


def test_parametrize_fails_what_passes_against_expectation(run):
    expected = "expected={'agrees_with_oracle[float64]': 'issue 12'}"
    options = f"{ONLY}, dtypes=('float64',), {expected}"
    run(text=decorated(options, "right")).assert_outcomes(passed=1, failed=1, skipped=1)


def test_parametrize_marks_the_effort(run):
    text = decorated(ONLY + ", dtypes=('float64',)", "right")
    run("-m", "momentum_quick", text=text).assert_outcomes(passed=2, skipped=1)
    run("-m", "momentum_deep", text=text).assert_outcomes(deselected=3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"only": ("groups_follow_their_own",)}, "nothing would run"),
        ({"expected": {"no_such[float32]": "x"}}, "there is no such check"),
        ({"expected": {"agrees_with_oracle[float8]": "x"}}, "there is no such dtype"),
        ({"dtypes": ("bfloat9",)}, "unknown dtype .bfloat9"),
        ({"as_": "no_such"}, "unknown convention"),
    ],
)
def test_parametrize_refuses_what_would_be_green_for_no_reason(options, words):
    def step(theta, v, grad, lr, momentum):
        return theta, v

    with pytest.raises(UsageError, match=words):
        momentum.parametrize(step, **({"as_": "scaled"} | options))


def test_target_runs_without_any_test_file(run):
    result = run(
        "-v", "--momentum-target", "subjects:right", "--momentum-as", "scaled",
        "--momentum-effort", "quick", "-k", "control or agrees_with_oracle",
    )  # fmt: skip
    result.assert_outcomes(passed=4, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["subjects:right::right-agrees_with_oracle[[]float64] PASSED*"])


def test_target_reports_a_failure_alone_and_to_junit(run, pytester):
    result = run(
        "--momentum-target", "subjects:wrong", "--momentum-as", "scaled", "--momentum-effort",
        "quick", "-k", "agrees_with_oracle and float64", "--junit-xml", "junit.xml",
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "times its bound" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    junit = (pytester.path / "junit.xml").read_text()
    assert 'name="wrong-agrees_with_oracle[float64]"' in junit
    assert "times its bound" in junit


def test_target_that_is_none_is_a_usage_error(run):
    result = run("--momentum-target", "subjects:nothing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --momentum-target: *no 'nothing'*"])


def test_target_leaves_tests_that_were_named_alone(run, pytester):
    pytester.makepyfile(test_other="def test_other(): pass")
    result = run(
        "test_other.py", "--momentum-target", "subjects:right", "--momentum-as", "scaled",
        "--momentum-effort", "quick", "-k", "control or test_other",
    )  # fmt: skip
    result.assert_outcomes(passed=2, deselected=result.parseoutcomes()["deselected"])


def test_target_without_one_changes_nothing(run, pytester):
    pytester.makepyfile(test_other="def test_other(): pass")
    run().assert_outcomes(passed=1)


def test_plugin_loads_nothing_heavy_until_it_is_used():
    code = (
        "import sys, momentum.doors.pytest_plugin;"
        "print([m for m in ('numpy', 'flint', 'hypothesis', 'torch', 'click') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"


HOSTILE = """
import os, time

def _right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v

def exits(theta, v, grad, lr, momentum):
    if theta.dtype.itemsize == 8 and theta.size > 25:
        os._exit(0)
    return _right(theta, v, grad, lr, momentum)

def hangs(theta, v, grad, lr, momentum):
    if theta.dtype.itemsize == 8 and theta.size > 25:
        time.sleep(600)
    return _right(theta, v, grad, lr, momentum)
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [("exits", "ended the process with exit code 0"), ("hangs", "still running after 4 s")],
)
def test_target_that_exits_or_hangs_is_one_failed_test(run, pytester, name, words):
    pytester.makepyfile(hostile=HOSTILE, test_after="def test_after(): pass")
    result = run(
        "test_after.py", "--momentum-target", f"hostile:{name}", "--momentum-as", "scaled",
        "--momentum-effort", "quick", "--momentum-time-limit", "4",
        "-k", "control or test_after or agrees_with_oracle",
    )  # fmt: skip
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes["passed"]) == (1, 4)
    assert words in result.stdout.str()


WATCHED = """
import torch

def train(momentum_watch, lr):
    p = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    report = momentum_watch(optimizer, hyper=lambda group: {"lr": lr})
    p.grad = torch.tensor([1.0, 2.0, 3.0])
    optimizer.step()
    return report

def test_right(momentum_watch):
    assert train(momentum_watch, 0.1).steps == 1

def test_wrong(momentum_watch):
    train(momentum_watch, 0.2)
"""


def test_the_watch_fixture_fails_a_test_with_wrong_steps(run):
    pytest.importorskip("torch")
    result = run(text=WATCHED)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*they moved 0.5 times as far as they should*"])
