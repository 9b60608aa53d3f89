"""The same words in every report."""

from dataclasses import replace

import pytest

from momentum.conventions import Hyper
from momentum.report import words
from momentum.subjects.problems import Problem


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


def test_causes_come_once_and_the_most_frequent_first(results):
    r = results.results[1]
    mixed = [replace(r, explanation=x) for x in ("b", "a", "", "a")]
    assert words.causes(mixed) == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "bound", "ratio"),
    [(0.0, 0.0, 0.0), (1.0, 2.0, 0.5), (1.0, 0.0, float("inf")), (1.0, float("inf"), 0.0),
     (float("nan"), 1.0, float("inf")), (float("inf"), 1.0, float("inf"))],
)  # fmt: skip
def test_over_claims_nothing_where_the_bound_is_infinite(error, bound, ratio):
    assert words.over(error, bound) == ratio
