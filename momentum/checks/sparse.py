"""Sparse gradients stand for dense ones."""

from collections.abc import Sequence

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, advice, check, problems
from momentum.subjects.drive import steps
from momentum.subjects.protocol import Array, Gradient

SHAPES = ((17,), (9, 2))


def dense_and_sparse(setting: Setting) -> Problems:
    """Five steps without weight decay."""
    row = given.hyper(setting, **{**given.FULL, "weight_decay": 0.0})
    return [given.run(setting, [row] * 5, SHAPES)] if not row.weight_decay else []


@check(
    statement="A sparse gradient moves what the dense one would: where it has no entry the gradient"
    " is 0, and the velocity goes on.",
    source="law; torch.Tensor.to_dense",
    catches="sparse_rows_lazy sparse_entries_overwrite",
    needs=("sparse",),
    always=dense_and_sparse,
    random=lambda s: problems(s, steps=(1, 8), shapes=SHAPES, without=("weight_decay",)),
)
def sparse_stands_for_dense(trial: Trial) -> Found:
    yield from _sparsely(trial)


@advice(
    statement="Weight decay acts on all of a parameter whose gradient is sparse.",
    source="pytorch/pytorch#30402",
    catches="sparse_decay_crashes",
    needs=("sparse", "hyper:weight_decay"),
    errors_fail=True,
    always=lambda s: given.steady(s, [given.FULL], 3, SHAPES),
)
def sparse_gradients_take_decay(trial: Trial) -> Found:
    yield from _sparsely(trial)


def _sparsely(trial: Trial) -> Found:
    def thinned(t: int, here: Sequence[Array]) -> list[Gradient]:
        rng = np.random.default_rng((trial.problem.seed, t))
        return [
            None if g is None else np.where(rng.random(g.shape) < 0.5, 0.0, g)
            for g in trial.problem.gradients(t, here)
        ]

    run, problem = trial.begin(), trial.problem
    gone = steps(
        run, problem.hypers, thinned, problem.start,
        step=lambda run, t, fed: run.step_sparse(fed), problem=problem,
    )  # fmt: skip
    yield from trial.judged(list(gone))
