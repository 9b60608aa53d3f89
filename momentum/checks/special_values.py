"""Signed zeros, subnormal numbers, infinities, nan, overflow, magnitudes far apart."""

from dataclasses import replace

import numpy as np

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check, problems, true
from momentum.checks._paths import Other, feed_of, law, path
from momentum.subjects.protocol import Array

IEEE = "IEEE Std 754-2019, sections 6.1 (infinity), 6.2 (nan), 7.4 (overflow), 7.5 (underflow)"
SHAPES = ((33,), (3, 7))


def _of_kind(setting: Setting, kind: str) -> Problems:
    return given.steady(setting, given.BOTH, 3, SHAPES, kind=kind)


@check(
    statement="A gradient of inf or nan makes its own coordinate non-finite for good, nan nan.",
    source=IEEE,
    catches="nan_becomes_zero inf_clipped nan_skips_parameter",
    every_dtype=True,
    always=lambda s: _of_kind(s, "special"),
)
def poisoned_coordinates_show_it(trial: Trial) -> Found:
    seen, problem = trial.observe(), trial.problem
    for i, shape in enumerate(problem.shapes):
        broken, nan = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        for t in range(problem.steps):
            grad, got = seen.fed[t][i], seen.iterates[t][i]
            assert grad is not None
            broken, nan = broken | ~np.isfinite(grad), nan | np.isnan(grad)
            healed = (broken & np.isfinite(got)) | (nan & ~np.isnan(got))
            where = f"step {t + 1}, parameter {i}"
            for k in np.argwhere(healed)[:1]:
                where += f"[{', '.join(str(int(j)) for j in k)}]: {got[tuple(k)]}"
            yield true(not healed.any(), where, t + 1)


@check(
    statement="inf and nan stay in their coordinate and change no other one.",
    source=IEEE,
    catches="nan_leaks_to_neighbours nan_skips_parameter gradient_normalised",
    every_dtype=True,
    always=lambda s: _of_kind(s, "special"),
)
def poison_does_not_spread(trial: Trial) -> Found:
    feed = feed_of(trial.problem)
    sick = [
        np.logical_or.reduce([~np.isfinite(g) for g in column if g is not None])
        for column in zip(*feed.gradients)
    ]

    def healthy(i: int, x: Array) -> Array:
        return np.where(sick[i], 0.0, x)

    well = feed.mapped(lambda i, x: np.where(np.isfinite(x), x, 0.5))
    yield from law(trial, [Other(feed, healthy, healthy)], well)


@agrees(
    statement="Coordinates with finite gradients agree, with inf, nan and signed zeros around.",
    source=IEEE,
    catches="nan_leaks_to_neighbours zero_elements_skipped",
    random=lambda s: problems(s, steps=(1, 5), kinds=("special",), shapes=((33,), (2, 3))),
)
def healthy_coordinates_agree(setting: Setting) -> Problems:
    """Gradients of inf and nan beside others."""
    return _of_kind(setting, "special")


@agrees(
    statement="Subnormal, huge and mixed magnitudes agree wherever nothing overflows.",
    source=IEEE,
    catches="""subnormals_flushed small_gradients_dropped gradient_clipped velocity_clipped
        velocity_quantised""",
    every_dtype=True,
)
def all_magnitudes_agree(setting: Setting) -> Problems:
    """Subnormal numbers; numbers near overflow; numbers over many binades."""
    return [p for kind in ("tiny", "huge", "wide") for p in _of_kind(setting, kind)]


def overflowing(setting: Setting) -> Problems:
    """The same gradient at every step, so that huge ones add up beyond the largest number."""
    h = given.hyper(setting, lr=0.9, momentum=0.5)
    return [] if h.weight_decay else [given.run(setting, [h] * 10, [(9,)], kind="constant")]


@check(
    statement="What overflows becomes infinite, and only in its own coordinate.",
    source=IEEE,
    catches="overflow_saturates",
    always=overflowing,
)
def overflow_is_infinite(trial: Trial) -> Found:
    feed, h = feed_of(trial.problem), trial.problem.hypers[0][0]
    hot = np.arange(feed.start[0].size) % 3 == 1
    power = 2.0 ** format_of(trial.problem.dtype).emax  # above half the largest number
    high = replace(feed, gradients=[[np.where(hot, power, 1.0)] for _ in feed.gradients])

    def cool(i: int, x: Array) -> Array:
        return np.where(hot, 0.0, x)

    yield from law(trial, [Other(high, cool, cool)])
    # Under every convention theta moves by at least this share of the gradient, in one direction.
    least = float(h.lr) * (1 - float(h.momentum)) * (1 - float(h.dampening))
    for t, (got,) in enumerate(path(trial, high), 1):
        if t * least > 2.5:  # 2.5 powers are more than any number of the format, rounding included
            yield true(not np.isfinite(got[hot]).any(), f"step {t}: finite beyond the largest", t)
