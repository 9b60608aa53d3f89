"""Sparse gradients stand for dense ones."""

from collections.abc import Sequence

import numpy as np

from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.conventions import Convention
from momentum.subjects.drive import Observation, begin, read
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Subject

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
    always=lambda s: [_given.run(s, [_given.hyper(s, **_given.FULL)] * 3, SHAPES)],
)
def sparse_gradients_take_decay(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from _sparsely(subject, convention, problem)


def _sparsely(subject: Subject, convention: Convention, problem: Problem) -> Found:
    run, here = begin(subject, problem), problem.start
    fed, iterates = [], []
    for t in range(problem.steps):
        rng = np.random.default_rng((problem.seed, t))
        row = tuple(
            None if g is None else np.where(rng.random(g.shape) < 0.5, 0.0, g)
            for g in problem.gradients(t, here)
        )
        run.step_sparse(row)
        here = read(run, problem, t + 1)
        fed.append(row)
        iterates.append(tuple(here))
    yield from judge(subject, Observation(problem, tuple(fed), tuple(iterates)), convention)
