"""Whose numbers a group goes by is told as far as the runs decide it."""

from typing import Any

import pytest
from machines import cause

from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
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


def test_parameters_of_one_shape_that_go_by_one_group_are_named() -> None:
    """Of two groups it is the first one as a rule: a shape that this lacks tells."""

    class Bucketed(MachineRun):
        def step(self, gradients: Any) -> None:
            self.there = [g is not None for g in gradients]
            super().step(gradients)

        def hyper(self, i: int) -> Hyper:
            every = zip(self.groups, self.theta, self.there)
            alike = (g for g, x, has in every if has and x.shape == self.theta[i].shape)
            return super().hyper(i)._replace(lr=self.hypers[min(alike)].lr)

    row = (Hyper(0.1, 0.9), Hyper(0.3, 0.9))
    problem = Problem("float32", ((5,), (5,)), (row,) * 3, (0, 1))
    where = "the first group that has a gradient of the same shape"
    assert cause(Bucketed, problem) == f"from step 1 on: the lr of {where} acts"
