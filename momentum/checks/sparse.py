"""Sparse gradients stand for dense ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.conventions import Convention
from momentum.subjects.drive import Fed, Observation, begin, steps
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Array, Gradient, Subject

SHAPES = ((17,), (9, 2))


def dense_and_sparse(setting: Setting) -> Sequence[Problem]:
    """Five steps without weight decay."""
    row = _given.hyper(setting, **{**_given.FULL, "weight_decay": 0.0})
    return [_given.run(setting, [row] * 5, SHAPES)] if not row.weight_decay else []


@check(
    statement="A sparse gradient moves what the dense one would: where it has no entry the gradient"
    " is 0, and the velocity goes on.",
    source="law; torch.Tensor.to_dense",
    catches="sparse_rows_lazy sparse_entries_overwrite",
    needs=("sparse",),
    always=dense_and_sparse,
    random=lambda s: problems(s, steps=(1, 8), shapes=SHAPES, without=("weight_decay",)),
)
def sparse_stands_for_dense(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _sparsely(subject, convention, problem)


@check(
    statement="Weight decay acts on all of a parameter whose gradient is sparse.",
    source="pytorch/pytorch#30402",
    catches="sparse_decay_crashes",
    level="should",
    needs=("sparse", "hyper:weight_decay"),
    errors_fail=True,
    always=lambda s: _given.steady(s, [_given.FULL], 3, SHAPES),
)
def sparse_gradients_take_decay(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from _sparsely(subject, convention, problem)


def _sparsely(subject: Subject, convention: Convention, problem: Problem) -> Found:
    def thinned(t: int, here: Sequence[Array]) -> list[Gradient]:
        rng = np.random.default_rng((problem.seed, t))
        return [
            None if g is None else np.where(rng.random(g.shape) < 0.5, 0.0, g)
            for g in problem.gradients(t, here)
        ]

    def sparsely(run: Any, t: int, fed: Fed) -> None:
        run.step_sparse(fed)

    run = begin(subject, problem)
    gone = steps(run, problem.hypers, thinned, problem.start, step=sparsely, problem=problem)
    fed, iterates = zip(*gone)
    yield from judge(subject, Observation(problem, fed, iterates), convention)
