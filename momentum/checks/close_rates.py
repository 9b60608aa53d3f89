"""Learning rates that differ by little, and schedules of rates that are tiny."""

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check, worded
from momentum.checks._paths import Other, feed_of, law, times
from momentum.conventions import Hyper

APART = (1e-3, 1e-4, 1e-5, 1e-6)
SHAPES = ((9,), (3, 5))


def apart(setting: Setting, lr: float) -> list[float]:
    """A rate and, by turns, others as close to it, also in proportion, as 16 units tell apart."""
    gaps = [gap for d in APART for gap in (d, d * lr) if gap > 16 * format_of(setting.dtype).u * lr]
    return [lr, *(rate for gap in gaps for rate in (lr + gap, lr))]


@agrees(
    statement="Rates that differ by a thousandth to a millionth are different rates in a run.",
    source="law; what is kept for a rate must be looked up by the rate itself, not by a round one",
    catches="rate_looked_up_rounded small_changes_of_rate_ignored",
    needs=("settable:lr",),
    every_dtype=True,
)
def close_rates_in_a_run_differ(setting: Setting) -> Problems:
    """Rates that change by little, from 0, where each step shows its own; without momentum too."""
    for w in ({"momentum": 0.0}, {"momentum": 0.8, "nu": 0.6}):
        h = given.hyper(setting, **w)
        for lr in (0.1, 1e-3):
            rows = [given.changed(setting, h, lr=rate) for rate in apart(setting, lr)]
            yield given.run(setting, rows, SHAPES, kind="from_zero")


def first_steps(setting: Setting) -> Problems:
    """Rates and decays of the runs to be made, a row each; one step of each is taken, from 0."""
    h = given.hyper(setting, momentum=0.8, nu=0.6)
    rates = [given.revised(setting, h, lr=x) for lr in (0.1, 1e-3) for x in apart(setting, lr)]
    return [given.run(setting, rates, SHAPES, kind="from_zero")]


@check(
    statement="Rates that differ by a thousandth to a millionth are different rates in two runs.",
    source="law; what is kept for a rate must be looked up by the rate itself, not by a round one",
    catches="kernel_kept_by_rounded_rate",
    needs=("hyper:lr",),
    every_dtype=True,
    always=first_steps,
)
def close_rates_in_two_runs_differ(trial: Trial) -> Found:
    for t, row in enumerate(trial.problem.hypers):
        single = trial.on(hypers=(row,), seed=trial.problem.seed + t)
        yield from worded(single.judged(), f"run {t + 1}, lr {row[0].lr:g}: ")


@agrees(
    statement="Groups that differ by a thousandth in one hyper-parameter each follow their own.",
    source="law; groups may be put together only where all of their settings are equal",
    catches="groups_merged_by_rounded_settings",
    needs=("groups",),
    every_dtype=True,
)
def close_groups_follow_their_own(setting: Setting) -> Problems:
    """Groups of equal shapes whose rates, momenta and decays differ by little."""
    h = given.hyper(setting, lr=0.1, momentum=0.8, weight_decay=0.1, nu=0.6)
    far = [d for d in APART if d > 64 * format_of(setting.dtype).u]
    row = [h]
    for name in ("lr", "momentum", "weight_decay"):
        row += [given.revised(setting, h, **{name: getattr(h, name) + d}) for d in far]
    return [given.apart(setting, list(dict.fromkeys(row)))]


def moving(setting: Setting) -> Problems:
    """A schedule of usual rates with decay, plain and with Nesterov's form."""
    rates = [{"lr": rate} for rate in (0.3, 0.21, 0.4, 0.05, 0.3)]
    wide = format_of(setting.dtype).emax > 100 and not dict(setting.facts.fixed).get("weight_decay")
    return given.moving(setting, rates, kind="from_zero") if wide else []


@check(
    statement="A schedule and gradients scaled by 2^-k and 2^k are one path, below 1e-6 too.",
    source="IEEE Std 754-2019, section 4.3: a power of two changes the exponent alone",
    catches="tiny_change_of_rate_ignored lr_has_tiny_floor",
    needs=("settable:lr",),
    always=moving,
)
def tiny_schedules_follow_the_usual_one(trial: Trial) -> Found:
    feed = feed_of(trial.problem)

    def tiny(k: int) -> Other:
        def scaled(h: Hyper) -> Hyper:
            return h._replace(lr=h.lr / 2.0**k, weight_decay=h.weight_decay * 2.0**k)

        other = feed.with_hypers(scaled).with_gradients(times(2.0**k))
        return Other(other, name=f"rates times 2^{-k}")

    yield from law(trial, map(tiny, (20, 30, -12)))
