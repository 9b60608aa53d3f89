"""Gradient scalers: a loss scale leaves no trace, a step that they skip never was."""

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, Step, Trial, check, same, true
from momentum.checks._given import Problems, Setting, problems
from momentum.checks._paths import flat
from momentum.checks._runs import compared, forms, stepped
from momentum.subjects.drive import Fed
from momentum.subjects.judge import Measured
from momentum.subjects.offers import FullRun

MICIKEVICIUS = "Micikevicius et al., Mixed Precision Training, 2018, section 3.2"
SKIPPED = MICIKEVICIUS + "; LibreYOLO/libreyolo#771 for a velocity that a skipped step fed"
SCALES = (2.0**10, 2.0**3, 2.0**16)
"""Powers of two: gradients times a scale, divided by it again, are the same numbers."""


def every_form(setting: Setting) -> Problems:
    """Four steps in each form, where the format has room for the scales."""
    rows = forms(setting) if setting.dtype != "float16" else []
    return [given.run(setting, [row] * 4) for row in rows]


@check(
    statement="The loss scale leaves no trace: decay, sign and velocity see unscaled gradients.",
    source=MICIKEVICIUS,
    catches="""decay_divided_by_loss_scale decay_times_loss_scale scaler_unscales_twice
        scaler_does_not_unscale""",
    needs=("scaler",),
    always=every_form,
    random=lambda s: problems(s, shapes=() if s.dtype == "float16" else ((7,), (3, 5), (33,))),
)
def loss_scale_is_invisible(trial: Trial) -> Found:
    skipped: list[bool] = []
    scales = SCALES * trial.problem.steps
    yield from stepped(trial, lambda run, t, fed: skipped.append(run.scaled_step(fed, scales[t])))
    for t, left_out in enumerate(skipped):
        yield true(not left_out, f"step {t + 1} was skipped, all gradients are finite", t + 1)


@check(
    statement="A step with a gradient that is not finite is skipped, as if it had never been.",
    source=SKIPPED,
    catches="""scaler_never_skips scaler_skip_feeds_velocity scaler_skip_counts_as_step
        scaler_misses_nan scaler_looks_at_first_parameter scaler_skips_parameter_only
        scaler_skips_always_after""",
    needs=("scaler",),
    always=every_form,
)
def skipped_step_never_was(trial: Trial) -> Found:
    wanted = _scaled(trial, {}, [])
    # The first step, one in the middle; inf and nan, the last parameter and the first one.
    for bad in ({0: (np.inf, -1)}, {2: (np.nan, -1)}, {1: (-np.inf, 0), 3: (np.nan, 0)}):
        skips: list[Measured] = []
        path = _scaled(trial, bad, skips)
        yield from skips
        steps = " and ".join(str(t + 1) for t in bad)
        yield from compared(f"after a skip at step {steps}", path, wanted, trial.problem)


def _scaled(trial: Trial, bad: dict[int, tuple[float, int]], skips: list[Measured]) -> list[Step]:
    """The good steps, with a bad one before some of them; skips: what became of those."""

    def scaled(run: FullRun, t: int, fed: Fed) -> None:
        if t in bad:
            (value, i), before = bad[t], flat(run.parameters())
            spoiled = [None if g is None else g.copy() for g in fed]
            spoiled[i].flat[-1] = value  # type: ignore[union-attr]  # none is missing here
            skipped = run.scaled_step(spoiled, SCALES[0])
            where = f"step {t + 1} was not skipped, a gradient is {value}"
            skips.append(true(skipped, where, t + 1))
            after = f"after the skip at step {t + 1}"
            skips.append(same(flat(run.parameters()), before, after, t + 1))
        run.scaled_step(fed, SCALES[0])

    return list(trial.onward(trial.begin(), step=scaled))
