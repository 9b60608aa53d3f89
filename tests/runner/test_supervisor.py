"""A run gives every job one result, whatever the subject does, and believes nothing unproven."""

import json
import os
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.errors import UsageError
from momentum.report import jsonl
from momentum.report.terminal import render
from momentum.runner import worker
from momentum.runner.expectations import Expectation
from momentum.runner.ledger import LOSSES
from momentum.runner.one_check import run_check
from momentum.runner.options import Options, jobs
from momentum.runner.results import run
from momentum.subjects.problems import Problem

TRAJECTORY = Options(effort="quick", only=("agrees_with_oracle",), time_limit=60.0)
DTYPES = ("float32", "float64", "float16")


def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v


def subject(step=right, dtypes=DTYPES):
    """A step function as a subject of these dtypes."""
    found = adapt(step, {}, step.__name__)
    return replace(found, facts=replace(found.facts, dtypes=dtypes, assumed=False))


def scaled(step=right, options=TRAJECTORY, **more):
    return run(partial(subject, step), "scaled", options, **more)


def test_run_passes_a_right_subject_in_every_dtype():
    results = scaled()
    assert [r.id for r in results.results] == [f"agrees_with_oracle[{d}]" for d in DTYPES]
    assert [r.verdict for r in results.results] == ["passed"] * 3
    assert all(r.ratio <= 1 and set(r.ratios) == {"trajectory", "step"} for r in results.results)
    assert max(r.ratio for r in results.results) > 0.5
    assert results.control == "a known-wrong twin failed agrees_with_oracle[float32], as it must"
    assert (results.verdict(), results.exit_code()) == ("passed", 0)


def test_run_finds_a_learning_rate_on_the_wrong_side():
    results = run(partial(subject), "zero_started", replace(TRAJECTORY, only=("schedules",)))
    wrong = [r for r in results.results if r.check == "follows_the_learning_rate"]
    assert [r.verdict for r in wrong] == ["failed"] * 3
    for r in wrong:
        assert r.ratio > 1
        assert r.ratio == r.error / r.bound
        assert r.step >= 2
        assert r.series is not None
        at = r.series.steps.index(r.step)
        assert abs(r.series.got[at] - r.series.exact[at]) > r.series.bound[at] or r.how == "step"
    assert results.exit_code() == 1


def leaves(*args, **kwargs):
    os._exit(3)


def leaves_by_exception(theta, v, grad, lr, momentum):
    sys.exit("enough")


def hangs(theta, v, grad, lr, momentum):
    while True:
        time.sleep(0.1)


def raises(theta, v, grad, lr, momentum):
    raise RuntimeError("two\nlines")


def wrong_shape(theta, v, grad, lr, momentum):
    return np.zeros(theta.size + (theta.size > 3)), v  # trials have three


def wrong_dtype(theta, v, grad, lr, momentum):
    theta, v = right(theta, v, grad, lr, momentum)
    return theta.astype(np.complex64) if theta.size > 3 else theta, v


def not_a_number(theta, v, grad, lr, momentum):
    return np.full_like(theta, np.nan), v


def eats(theta, v, grad, lr, momentum):
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))


def exits(theta, v, grad, lr, momentum):
    os._exit(3)


@pytest.mark.parametrize(
    ("step", "verdict", "words"),
    [
        (exits, "errored", "ended the process with exit code 3"),
        (leaves_by_exception, "errored", "raised SystemExit: enough (line"),
        (hangs, "errored", "still running after 2 s"),
        (raises, "errored", "raised RuntimeError: two lines (line"),
        (wrong_shape, "errored", "shape"),
        (wrong_dtype, "errored", "complex64"),
        (not_a_number, "failed", ""),
        (eats, "errored", "raised MemoryError"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_run_makes_any_misbehaviour_a_result(monkeypatch, step, verdict, words):
    monkeypatch.setattr("momentum.subjects.isolation.child.MEMORY", 256 << 20)
    limit = 2.0 if step is hangs else 60.0
    results = scaled(step, replace(TRAJECTORY, dtypes=("float32",), time_limit=limit))
    (result,) = results.results
    assert result.verdict == verdict
    assert words in result.reason
    assert Problem.from_text(result.problem).dtype == "float32"
    assert (results.verdict(), results.exit_code()) == ("failed", 1)


def exits_in_half_precision(theta, v, grad, lr, momentum):
    if theta.dtype == np.float16:
        os._exit(1)
    return right(theta, v, grad, lr, momentum)


def test_run_goes_on_after_a_crash_and_gives_up_only_that_dtype():
    options = Options(effort="quick", only=("trajectory", "schedules", "sensitivity", "state"))
    results = scaled(exits_in_half_precision, options)
    half = [r for r in results.results if r.dtype == "float16" and r.verdict != "skipped"]
    lost = [r.reason.startswith("ended") for r in half]
    assert lost == [True] * LOSSES + [False] * (len(half) - LOSSES)
    assert all(r.reason.startswith("not tried: ") for r in half[LOSSES:])
    assert len(half) > LOSSES
    others = [r for r in results.results if r.dtype != "float16"]
    assert all(r.verdict in ("passed", "skipped") for r in others)
    order = [f"{c.name}[{d}]" for c, d in jobs(subject(), options)]
    assert [r.id for r in results.results] == order


def test_run_stops_as_broken_where_the_twin_passes(monkeypatch):
    monkeypatch.setattr(worker, "twin_of", lambda twin_of: twin_of)
    results = scaled()
    assert results.results == ()
    assert results.broken == "a known-wrong twin of the subject passed agrees_with_oracle[float32]"
    assert (results.verdict(), results.exit_code()) == ("broken", 1)


def test_run_is_broken_where_only_the_twin_cannot_be_run(monkeypatch):
    twin = subject(raises)
    monkeypatch.setattr(worker, "twin_of", lambda twin_of: twin)
    results = scaled()
    assert "the known-wrong twin could not be run: raised RuntimeError" in results.broken
    assert results.exit_code() == 1


def test_run_in_which_nothing_ran_is_not_green():
    results = scaled(options=replace(TRAJECTORY, only=("groups_follow_their_own",)))
    assert {r.verdict for r in results.results} == {"skipped"}
    assert all(r.reason for r in results.results)
    assert (results.verdict(), results.exit_code()) == ("nothing ran", 3)


def test_run_is_the_same_for_the_same_seed_and_another_for_another():
    options = Options(effort="quick", seed=3, only=("trajectory", "schedules"))
    once, again = scaled(options=options), scaled(options=options)
    assert once == again

    def drawn(seed):
        found = []
        check = CHECKS["agrees_with_oracle"]
        run_check(check, subject(), get("scaled"), "float64", "quick", seed, note=found.append)
        return found

    assert drawn(3) == drawn(3) != drawn(4)


def test_run_keeps_a_failure_whose_cause_cannot_be_found(monkeypatch):
    class Hangs:
        def explain(self, *of):
            time.sleep(60)

    monkeypatch.setattr(worker, "Explainer", lambda *of: Hangs())
    results = scaled(wrong_everywhere, replace(TRAJECTORY, dtypes=("float32",), time_limit=1.0))
    (result,) = results.results
    assert (result.verdict, result.explanation) == ("failed", "")
    late = "the search for them was still running after 1 s (--time-limit)"
    assert results.unexplained == late
    assert f"causes    {late}" in render(results, width=100)
    assert json.loads(jsonl.footer_line(results))["unexplained"] == late


def wrong_everywhere(theta, v, grad, lr, momentum):
    theta, v = right(theta, v, grad, lr, momentum)
    return theta + 1, v


def test_run_tells_what_it_does_as_it_goes():
    heard = []
    results = scaled(
        on_header=lambda h: heard.append(h.convention),
        on_start=lambda name, number, total: heard.append((name, number, total)),
        on_result=heard.append,
    )
    starts = [(r.id, i, 3) for i, r in enumerate(results.results, 1)]
    assert heard == ["scaled", *(x for pair in zip(starts, results.results) for x in pair)]


def test_run_keeps_what_was_done_before_an_interrupt():
    def interrupt(result):
        raise KeyboardInterrupt

    results = scaled(on_result=interrupt)
    assert [r.id for r in results.results] == ["agrees_with_oracle[float32]"]
    assert (results.unfinished, results.exit_code()) == ("interrupted", 1)


def test_run_replays_a_failure_from_its_text():
    def late(theta, v, grad, lr, momentum):
        v = momentum * v + lr * grad
        return theta - v * 1.25, v

    (found,) = scaled(late, replace(TRAJECTORY, dtypes=("float64",))).results
    replay = replace(TRAJECTORY, only=(found.id,), replay=Problem.from_text(found.problem))
    (again,) = scaled(late, replay).results
    assert found.verdict == "failed"
    assert (again.error, again.bound, again.step, again.where) == (
        found.error, found.bound, found.step, found.where,
    )  # fmt: skip


def test_run_makes_a_failure_small():
    def wrong_later(theta, v, grad, lr, momentum):
        late = bool(np.any(v))
        theta, v = right(theta, v, grad, lr, momentum)
        return theta + late, v

    (result,) = scaled(wrong_later, replace(TRAJECTORY, dtypes=("float64",))).results
    problem = Problem.from_text(result.problem)
    assert (result.verdict, result.step) == ("failed", 2)
    assert (problem.steps, len(problem.shapes)) == (2, 1)


def test_run_refuses_a_target_that_cannot_be_loaded():
    def load():
        raise ImportError("no such thing")

    with pytest.raises(UsageError, match="raised ImportError: no such thing"):
        run(load, "scaled", TRAJECTORY)


def test_run_refuses_a_target_that_ends_the_process():
    with pytest.raises(UsageError, match="ended the process with exit code 3 while it was loaded"):
        run(leaves, "scaled", TRAJECTORY)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(dtypes=("bfloat16",)), "does not claim bfloat16: float32, float64, float16"),
        (Options(only=("agrees",)), "unknown check 'agrees'"),
        (Options(only=("agrees_with_oracle[float8]",)), "matches nothing"),
    ],
)
def test_run_refuses_options_that_do_not_fit(options, words):
    with pytest.raises(UsageError) as caught:
        scaled(options=options)
    assert words in str(caught.value)


def test_run_reports_expectations_that_match_nothing(monkeypatch):
    entry = Expectation("none[float32]", "gone")
    assert scaled(expected=[entry]).stale == ()  # a part of the checks says nothing about the rest
    monkeypatch.setattr(
        "momentum.runner.options.CHECKS", {"agrees_with_oracle": CHECKS["agrees_with_oracle"]}
    )
    results = scaled(options=Options(effort="quick"), expected=[entry])
    assert results.stale == ("none[float32]",)
    assert (results.exit_code(), results.exit_code(strict=True)) == (0, 1)
