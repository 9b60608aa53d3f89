"""The same again gives the same bits."""

from momentum.checks._check import Found, Trial, check
from momentum.checks._runs import compared
from momentum.checks.state import any_runs, short_runs


@check(
    statement="The same run, made twice, gives the same bits.",
    source="law; the rule has no random part and no order of summation that could vary",
    catches="not_deterministic",
    always=short_runs,
    random=any_runs,
)
def repeats_bit_for_bit(trial: Trial) -> Found:
    wanted = trial.whole()
    yield from compared("second time", trial.whole(), wanted, trial.problem)
