"""Whose numbers a group goes by is told as far as the runs decide it."""

from typing import Any

import pytest
from machines import cause

from momentum.conventions import Hyper
from momentum.gallery.wrong._families import told
from momentum.subjects.problems import Problem


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (lambda g, n: 0, "the first group, or of the constructor,"),
        (lambda g, n: max(g - 1, 0), "the group before"),
        (lambda g, n: n - 1, "the last group"),
        (lambda g, n: min(g + 1, n - 1), "the group after"),
    ],
)
def test_cause_of_one_number_of_a_group_tells_whose_it_is_and_not_all_of_them(
    place: Any, words: str
) -> None:
    """Of two groups the first is the one before, too; an optimizer is made with its numbers."""
    rate_of_another = told.made(lambda run, i, h: h._replace(
        lr=run.hypers[place(run.groups[i], len(run.hypers))].lr))  # fmt: skip
    row = (Hyper(0.1, 0.9), Hyper(0.3, 0.9))
    problem = Problem("float32", ((5,), (5,)), (row,) * 3, (0, 1))
    assert cause(rate_of_another, problem) == f"from step 1 on: the lr of {words} acts"
