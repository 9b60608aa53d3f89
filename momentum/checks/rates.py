"""Learning rates of unusual size: zero, tiny, huge."""

import numpy as np

from momentum.arithmetic import exact_array, format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check, same, those_of


@check(
    statement="A step at rate 0 moves nothing that the convention lets rest, bit for bit.",
    source="Bertsekas 1999, Nonlinear Programming, section 1.2: x + 0 d = x, whatever d",
    catches="lr_has_floor decay_without_lr",
    # From two iterates a step may be (1 + momentum) x - momentum x, which rounds.
    needs=("settable:lr", "velocity"),
    always=those_of("zero_rate_feeds_the_velocity"),
)
def zero_rate_moves_nothing(trial: Trial) -> Found:
    seen, problem = trial.observe(), trial.problem
    for i, name in enumerate(trial.parameters):
        truth = trial.exactly(seen, i, "exact").exact
        assert truth is not None
        iterates = [problem.start[i], *(row[i] for row in seen.iterates)]
        places = [exact_array(problem.start[i]), *truth]
        for t, row in enumerate(problem.hypers):
            rests = np.asarray(places[t] == places[t + 1], dtype=bool)
            if row[problem.groups[i]].lr == 0 and rests.any():
                wanted = np.where(rests, iterates[t], iterates[t + 1])
                yield same(iterates[t + 1], wanted, f"step {t + 1}, {name}", t + 1)


@agrees(
    statement="A step at rate 0 still feeds the velocity, which later steps show.",
    source="Dive into Deep Learning, section Momentum: the velocity sums all past gradients",
    catches="zero_lr_skips_velocity",
    needs=("settable:lr",),
)
def zero_rate_feeds_the_velocity(setting: Setting) -> Problems:
    """A rate of 0 at the start, in the middle and twice in a row, with all else on."""
    for rates in ((0.0, 0.3, 0.0, 0.0, 0.2), (0.0, 0.0, 0.1)):
        yield from given.moving(setting, [{"lr": rate} for rate in rates], ((7,), (3, 6)))


@agrees(
    statement="Tiny and huge learning rates count as they are, without floor or cap.",
    source="Bottou, Curtis, Nocedal 2018, Optimization Methods for Large-Scale ML, section 4.2",
    catches="lr_has_floor lr_has_tiny_floor large_lr_capped",
    needs=("settable:lr",),
)
def extreme_rates_agree(setting: Setting) -> Problems:
    """Rates from tiny to 1000, from 0 so that the movement itself is seen."""
    # Rates that stay normal when multiplied by a momentum: below, products of them lose bits.
    wide = format_of(setting.dtype).emax > 100
    tiny = (2.0**-70, 1e-13, 2.0**-20, 1e-5) if wide else (2.0**-9, 2.5e-3)
    rates = (*tiny, 3e-3, 5.7, 1000.0)
    wanted = [{"lr": x, "momentum": 0.8, "dampening": 0.35, "nu": 0.6} for x in rates]
    return given.steady(setting, wanted, 3, [(17,)], kind="from_zero")
