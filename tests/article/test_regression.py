"""Training runs, one by one and side by side."""

import math
import os
from fractions import Fraction

import numpy as np
import pytest

from momentum.article import data, regression
from momentum.theory.quadratic import iterate, recurrence

U = 2.0**-53

real = pytest.mark.skipif(
    not os.environ.get(data.VARIABLE), reason=f"{data.VARIABLE} names no folder with the data"
)
runs = pytest.mark.parametrize("run", regression.RUNS, ids=lambda r: r.name.replace(" ", "_"))

# Measured once: 1 % / median / 99 % and P(loss >= article's) of 4000 seeds.
MEASURED = [
    (0.24206, 0.24377, 0.25014, 0.17),
    (0.24372, 0.25562, 0.29579, 0.65),
    (0.24204, 0.24370, 0.25023, 0.76),
    (0.24201, 0.24379, 0.25036, 0.0025),
]


@real
@pytest.mark.parametrize(("run", "facts"), list(zip(regression.RUNS, MEASURED, strict=True)))
def test_distribution_agrees_with_the_facts(run, facts):
    seeds = 4000
    last = regression.distribution(run, data.load(), seeds)[:, -1]

    def five_deviations(share):
        # Both sides are shares of 4000 draws, ours with seeds that never change.
        return 5 * math.sqrt(2 * share * (1 - share) / seeds)

    for share, printed in zip((0.01, 0.5, 0.99), facts, strict=False):
        below = np.mean(last < printed - 0.5e-5)  # half a unit of the last printed digit
        up_to = np.mean(last <= printed + 0.5e-5)
        assert below - five_deviations(share) <= share <= up_to + five_deviations(share)
    probability = regression.place(last, run.article_loss).probability
    digits = 0.5e-4 if facts[3] < 0.01 else 0.5e-2
    assert abs(probability - facts[3]) <= five_deviations(facts[3]) + digits


@runs
def test_distribution_calls_only_the_last_loss_rare_on_the_stand_in(run):
    last = regression.distribution(run, data.stand_in(), 1500)[:, -1]
    assert regression.place(last, run.article_loss).rare == (run.article_loss == 0.253280)


@runs
def test_distribution_follows_the_closed_form_where_all_rows_are_equal(run):
    # Every batch is then the same, and the residual r obeys heavy ball on the one eigenvalue
    # |row|^2, whatever the start.
    row, target = np.array([0.5, -1.0, 0.25, 2.0, 0.0]), 1.5
    same = data.Regression(np.tile(row, (1500, 1)), np.full(1500, target), "equal rows")
    eigenvalue = float(row @ row) + 1
    losses = regression.distribution(run, same, 3)
    # Ten steps to the first record. A step rounds each component at most 60 times, of terms below
    # 10 in size, and ||C^k|| <= ||C||^10 carries each error to the record.
    a, b = recurrence("heavy_ball", run.lr, run.momentum, eigenvalue)
    carried = 10 * 60 * 10 * U * max(1.0, abs(a) + abs(b)) ** 10
    for start, tenth in losses[:, :2]:
        residual = math.sqrt(2 * start)
        closed = iterate("heavy_ball", run.lr, run.momentum, eigenvalue, residual, 10)
        assert abs(tenth - closed**2 / 2) <= (abs(closed) + carried) * carried


def test_distribution_records_the_start_and_every_hundred_samples():
    told = []
    losses = regression.distribution(regression.RUNS[0], data.stand_in(), 7, told.append)
    assert losses.shape == (7, 31)
    assert sum(told) == 7
    assert list(regression.samples(data.stand_in())[[0, 1, -1]]) == [0, 100, 3000]


def test_distribution_is_the_same_every_time_and_differs_between_seeds():
    first = regression.distribution(regression.RUNS[3], data.stand_in(), 5)
    assert np.array_equal(first, regression.distribution(regression.RUNS[3], data.stand_in(), 5))
    assert len(set(first[:, -1])) == 5


def test_distribution_refuses_fewer_seeds_than_one():
    with pytest.raises(ValueError, match="at least 1"):
        regression.distribution(regression.RUNS[0], data.stand_in(), 0)


@runs
def test_train_ends_among_the_losses_of_many_seeds(run):
    pytest.importorskip("torch", reason="trains in torch")
    rows = data.stand_in()
    curve = regression.train(run, rows)
    spread = regression.distribution(run, rows, 1000)
    assert len(curve.losses) == spread.shape[1]
    assert spread[:, -1].min() <= curve.losses[-1] <= spread[:, -1].max()
    assert rows.optimum < curve.losses[-1] < curve.losses[0]
    assert curve.seconds > 0


@runs
def test_train_repeats_itself_and_leaves_the_random_state_alone(run):
    torch = pytest.importorskip("torch", reason="trains in torch")
    before = torch.random.get_rng_state()
    rows = data.stand_in()
    assert regression.train(run, rows, 3).losses == regression.train(run, rows, 3).losses
    assert torch.equal(torch.random.get_rng_state(), before)


def test_train_from_scratch_starts_near_the_loss_of_zero_weights():
    pytest.importorskip("torch", reason="trains in torch")
    rows = data.stand_in()
    at_zero = float(rows.loss(np.zeros(6)))
    start = regression.train(regression.RUNS[0], rows).losses[0]
    # Weights of deviation 0.01: six of them bound the change of the loss, slope times length plus
    # half the largest eigenvalue times its square, and float32 rounds far below that.
    length = 0.06 * math.sqrt(5)
    slope = float(np.linalg.norm(rows.moments[:-1, -1]))
    assert abs(start - at_zero) <= slope * length + rows.curvature[-1] / 2 * length**2


def test_place_counts_and_judges():
    last = np.arange(1000.0)
    place = regression.place(last, 900.0)
    assert (place.at_least, place.seeds, place.probability) == (100, 1000, 0.1)
    assert place.rare is False
    assert regression.place(last, 995.0).rare is True
    assert regression.place(last[:999], 998.0).rare is None
    assert Fraction(place.median) == Fraction(999, 2)
