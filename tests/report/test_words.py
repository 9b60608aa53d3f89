"""The same words in every report."""

import pytest

from momentum.report import words


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


def test_replay_is_empty_where_the_subject_has_no_address(results):
    from dataclasses import replace

    header = replace(results.header, arguments=())
    assert words.replay(header, results.results[1]) == ""


def test_causes_come_once_and_the_most_frequent_first(results):
    from dataclasses import replace

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
