"""Errors that a bound of the worst case cannot see: small, and all of one sign.

Rounding to nearest errs by half a unit to either side. Over many coordinates with random start and
gradients its errors, each as a fraction of its bound, have the mean 0, whatever algebra, fused
operations or wider formats a right implementation uses: with hyper-parameters of few bits, which
every format holds, and movements of many units, nothing prefers a side. Truncation does, and so
does a momentum that is held in half precision.
"""

import math
from dataclasses import replace

import numpy as np

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problem, Problems, Setting, Trial, advice
from momentum.checks._paths import Feed, feed_of, path
from momentum.conventions import Hyper
from momentum.conventions.hyper import NUMBERS
from momentum.oracle.block import Tier
from momentum.subjects.judge import Measured
from momentum.subjects.protocol import Array

MAURER = "Maurer and Pontil 2009, Empirical Bernstein bounds, theorem 4"
CHANCE = 1e-11
"""That a mean of errors without bias is found beyond its bound: for one mean, in one direction.

With all dtypes, problems and directions together less than 10^-9.
"""
MANY = 2**14


def _size(setting: Setting) -> int:
    """Exact numbers take their time, so float64 has fewer."""
    return min(setting.facts.largest, MANY if setting.dtype != "float64" else MANY // 4)


def _held(h: Hyper) -> bool:
    """Every format holds these numbers."""
    return all((8 * float(getattr(h, name))).is_integer() for name in NUMBERS)


def few_bits(setting: Setting) -> Problems:
    """Hyper-parameters that every format holds; from 0, and from elsewhere."""
    h = given.hyper(setting, lr=0.375, momentum=0.625, nu=0.75)
    shape = [(_size(setting),)]
    kinds = ("normal", "from_zero") if _held(h) else ()
    return [given.run(setting, [h] * 4, shape, kind=kind, seed=5) for kind in kinds]


@advice(
    statement="Over many coordinates the errors of rounding have no common sign.",
    source=f"IEEE Std 754-2019, section 4.3.1: roundTiesToEven; {MAURER}",
    catches="rounds_towards_zero stores_towards_zero",
    every_dtype=True,
    always=few_bits,
)
def rounds_without_bias(trial: Trial) -> Found:
    feed = feed_of(trial.problem)
    truth, share = _errors(trial, feed)
    moved = np.sign(np.diff(truth, axis=0, prepend=feed.start[0][None]))
    sides = {"away from 0": np.sign(truth), "along the step": moved, "upwards": np.ones_like(truth)}
    for name, side in sides.items():
        yield _mean(share[-1] * side[-1], name, truth[-1], trial.problem)


def between_two(setting: Setting) -> Problems:
    """A momentum nearly halfway between two numbers of half precision, from 0."""
    format = format_of(setting.dtype)
    if format.precision >= format_of("float32").precision or not given.free(setting, "momentum"):
        return []
    momentum = float(format.round(0.9)) + 0.4375 * format.u
    h = given.hyper(setting, lr=0.5, momentum=momentum, nu=1.0)
    if not _held(h._replace(momentum=0)):
        return []
    return [given.run(setting, [h] * 6, [(_size(setting),)], kind="from_zero", seed=6)]


@advice(
    statement="In half precision the momentum keeps more digits than the parameters have.",
    source=f"Micikevicius et al., Mixed Precision Training, 2018, section 3; {MAURER}",
    catches="momentum_held_in_half",
    needs=("hyper:momentum",),
    every_dtype=True,
    always=between_two,
)
def momentum_keeps_its_digits(trial: Trial) -> Found:
    # The same gradient at every step, so that the velocity's error only grows.
    feed = feed_of(trial.problem)
    feed = replace(feed, gradients=feed.gradients[:1] * trial.problem.steps)
    truth, share = _errors(trial, feed)
    yield _mean(share[-1] * np.sign(truth[-1]), "away from 0", truth[-1], trial.problem)


def _errors(trial: Trial, feed: Feed) -> tuple[Array, Array]:
    """Exact iterates of the one parameter, and errors as fractions of their bounds.

    Fractions lie between -1 and 1. Shapes: (steps, coordinates).
    """
    got = [row[0] for row in path(trial, feed)]
    fed, hypers = [row[0] for row in feed.gradients], [row[0] for row in feed.hypers]
    tier: Tier = "exact" if trial.problem.dtype == "float64" else "fast"
    truth = trial.replay(feed.start[0], fed, hypers, tier=tier)
    error = np.array(got) - truth.values
    if truth.rest is not None:
        error -= truth.rest
    with np.errstate(all="ignore"):
        share = np.where(truth.bound > 0, error / truth.bound, 0.0)
    return truth.values, np.clip(np.nan_to_num(share), -1.0, 1.0)


def _mean(values: Array, side: str, truth: Array, problem: Problem) -> Measured:
    """A mean of independent numbers between -1 and 1, against what chance and density let it be.

    bound = sqrt(2 V ln(2/c) / n) + 14 ln(2/c) / (3 (n - 1)) + u (1/2 + sqrt(3) + mean/deviation)

    The last term is no chance. Numbers y of density f are rounded within cells of half width
    h <= u |y|; a cell's errors, each over h, have a mean of at most h/2 times the change of f in
    it, together u/2 times the integral of |y| |df|. For log-concave f with its mode m that is at
    most u (1/2 + |m| f(m)), where f(m) is at most 1/deviation (Bobkov and Chistyakov 2015,
    proposition 2.1), and |m| at most mean + sqrt(3) deviation (Johnson and Rogers 1951).
    Taken as given: the share that a rounding has in the bound is the same all over a cell.
    """
    n, step, size = values.size, problem.steps, np.abs(truth)
    weight = math.log(2 / CHANCE)
    bound = math.sqrt(2 * float(np.var(values, ddof=1)) * weight / n) + 14 * weight / (3 * (n - 1))
    slope = 0.5 + math.sqrt(3) + float(np.mean(size) / np.std(size))
    bound += slope * format_of(problem.dtype).u
    mean = float(np.mean(values))
    where = f"step {step}, {n} coordinates: the mean error {side}, of its bound, is {mean:+.3f}"
    return Measured(abs(mean), bound, where, step)
