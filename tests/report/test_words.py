"""The same words in every report."""

from dataclasses import replace

import pytest

from momentum.conventions import Hyper
from momentum.report import words
from momentum.subjects.problems import Problem

INF = float("inf")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"), (0.5, "0.500"), (0.0004, "0.0004"), (4.07, "4.07"), (673.2, "673"),
        (407123.0, "4.07e+05"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_number_keeps_three_digits(value, text):
    assert words.number(value) == text


def test_sentence_can_be_read_alone(results):
    assert words.sentence(results.header, results.results[1]) == (
        "Every iterate lies within its bound. Not so [pkg:SGD, accumulated, trajectory, step 2,"
        " parameter 0 of shape (3,)[1]]: error 0.05 is 4 times its bound 0.0125"
    )


@pytest.mark.parametrize(
    ("where", "step", "text"),
    [
        ("step 1, parameter 0 of shape (1,)[0]", 1, "float32, lr 0.1, momentum 0.9"),
        ("step 1, parameter 1 of shape (1,)[0]", 1, "float32, lr 0.2, nesterov"),
        ("step 2, gradient of parameter 1", 2, "float32, lr 0.4, nesterov"),
        ("put: step 1, parameter 2", 1, "float32, lr 0.1, momentum 0.9"),
        ("bytes", 0, "float32, group 0: lr 0.1, momentum 0.9; group 1: lr 0.2, nesterov"),
        ("parameter 7", 9, "float32, group 0: lr 0.1, momentum 0.9; group 1: lr 0.4, nesterov"),
    ],
)
def test_setting_is_that_of_the_group_of_the_parameter(results, where, step, text):
    first, second = Hyper(0.1, 0.9), Hyper(0.2, nesterov=True)
    rows = ((first, second), (first, second._replace(lr=0.4)))
    problem = Problem("float32", ((1,),) * 3, rows, (0, 1, 0))
    result = replace(results.results[1], problem=problem.to_text(), where=where, step=step)
    assert words.setting(result) == text


def test_setting_is_said_once_where_groups_are_alike_and_is_empty_without_a_problem(results):
    problem = Problem("float32", ((1,),) * 2, ((Hyper(0.1),) * 2,), (0, 1))
    result = replace(results.results[1], problem=problem.to_text(), where="bytes", step=1)
    assert words.setting(result) == "float32, lr 0.1"
    assert words.setting(replace(result, problem="")) == ""


def test_replay_is_empty_where_the_subject_has_no_address(results):
    header = replace(results.header, arguments=())
    assert words.replay(header, results.results[1]) == ""


@pytest.mark.parametrize(
    ("error", "bound", "ratio"),
    [(0.0, 0.0, 0.0), (1.0, 2.0, 0.5), (1.0, 0.0, float("inf")), (1.0, float("inf"), 0.0),
     (float("nan"), 1.0, float("inf")), (float("inf"), 1.0, float("inf"))],
)  # fmt: skip
def test_over_claims_nothing_where_the_bound_is_infinite(error, bound, ratio):
    assert words.over(error, bound) == ratio


@pytest.mark.parametrize(
    ("change", "text", "short"),
    [
        ({}, "error 0.05 is 4 times its bound 0.0125", "4 bounds"),
        ({"bound": 0.0}, "differs by 0.050 where nothing may differ", "0.050, must be equal"),
        ({"error": INF}, "a number is lost to inf or nan", "lost to inf or nan"),
        ({"error": INF, "bound": 0.0, "how": ""}, "this must not be", "must not be"),
        ({"verdict": "errored", "reason": "raised X"}, "raised X", "raised X"),
    ],
)
def test_evidence_and_amount_say_how_far_from_right(results, change, text, short):
    result = replace(results.results[1], **change)
    assert words.evidence(result) == text
    assert words.amount(result) == short


def test_held_to_says_identified_only_where_it_was(results):
    header = results.header
    assert words.held_to(header) == "accumulated, as asked"
    torch = words.held_to(replace(header, asked="torch"))
    assert torch == "torch (accumulated), as asked"
    assert words.held_to(replace(header, doubt="why")) == "accumulated, as asked; why"
    found = replace(header, asked="")
    assert words.held_to(found) == "accumulated, identified from its behaviour"
    doubted = words.held_to(replace(found, doubt="step 2 differs"))
    assert doubted == "the nearest, accumulated, because step 2 differs"


def test_counts_keep_advice_and_what_is_rare_apart(results):
    unclaimed = replace(results.results[0], verdict="no_claim")
    told = words.counts(replace(results, results=(*results.results, unclaimed)))
    assert told == (
        "1 passed, 3 failed, 2 errored, 1 skipped, 1 expected failure, 1 no claim, 1 advice"
    )


def test_headline_says_where_only_expected_failures_passed(good, results):
    surprise = next(r for r in results.results if r.surprise)
    word, text = words.headline(replace(good, results=(*good.results, surprise)))
    assert word == "FAILED"
    assert text.endswith(": 1 expected failure passes now: remove the entry (decays[float32])")


def test_headline_of_a_pass_counts_what_was_expected_to_fail(good, results):
    known = next(r for r in results.results if r.verdict == "expected_failure")
    word, text = words.headline(replace(good, results=(*good.results, known)))
    assert word == "PASSED"
    assert text.endswith(", but for 1 expected failure")


def test_headline_calls_nothing_passed_what_only_advice_or_expectation_ran(results):
    by = {r.verdict: r for r in results.results if not r.surprise}
    advice = next(r for r in results.results if r.level == "should")
    unclaimed = replace(by["passed"], verdict="no_claim")
    for some, word, code in (
        ((by["skipped"],), "NOTHING RAN", 3),
        ((advice,), "NOTHING JUDGED", 3),
        ((unclaimed,), "NOTHING JUDGED", 3),
        ((by["expected_failure"],), "FAILED AS EXPECTED", 0),
        ((by["passed"], advice), "PASSED", 0),
    ):
        part = replace(results, results=some, stale=())
        assert words.headline(part)[0] == word
        assert part.exit_code() == code
