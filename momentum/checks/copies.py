"""Copies of a run, handed-over state, and runs side by side: nothing is shared between two."""

from collections.abc import Callable

from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, advice, check
from momentum.checks._runs import by_turns, catch_up, compared, stops
from momentum.checks.state import GOYAL, any_runs, short_runs
from momentum.subjects.offers import FullRun


@check(
    statement="A deep copy of a run goes on as the run does, independently of it.",
    source="Python library reference, copy; kakaobrain/torchlars#5 for what gets lost",
    catches="""deepcopy_shares_velocity deepcopy_shares_parameters copy_forgets_set
        copy_loses_attribute""",
    needs=("deepcopy",),
    always=short_runs,
    random=any_runs,
)
def deepcopy_is_faithful(trial: Trial) -> Found:
    yield from _together(trial, "deepcopy", lambda run, stop: run.duplicate("deepcopy"))


@check(
    statement="A run that was pickled goes on as the run does, independently of it.",
    source="Python library reference, pickle; kakaobrain/torchlars#5 for what gets lost",
    catches="copy_loses_attribute pickle_forgets_nesterov pickle_drops_velocity",
    needs=("pickle",),
    always=lambda s: [
        *short_runs(s),
        *given.steady(s, [given.NESTEROV] * ("nesterov" in s.facts.hyper), 4),
    ],
    random=any_runs,
)
def pickle_is_faithful(trial: Trial) -> Found:
    yield from _together(trial, "pickle", lambda run, stop: run.duplicate("pickle"))


@advice(
    statement="A run that is handed another one's live state shares nothing with it.",
    source="pytorch/pytorch#196083",
    catches="load_shares_velocity",
    needs=("hand_over",),
    always=short_runs,
)
def handed_over_state_is_not_shared(trial: Trial) -> Found:
    def handed_over(run: FullRun, stop: int) -> FullRun:
        twin = trial.fresh()
        run.hand_over(twin)
        catch_up(twin, trial.problem, stop)
        return twin

    yield from _together(trial, "handing over", handed_over)


@check(
    statement="Two live optimizers, of equal shapes too, do not feel each other.",
    source=GOYAL,
    catches="live_runs_share_velocity hyper_leaks_between_runs",
    always=short_runs,
    random=any_runs,
)
def live_runs_are_independent(trial: Trial) -> Found:
    problem, other = trial.problem, trial.on(seed=trial.problem.seed + 1)
    alone = other.whole(), trial.whole()
    # The second begins when the first has been stepped and told other hyper-parameters.
    first, gone = other.until(problem.steps // 2)
    both = by_turns(other.onward(first, gone), trial.onward(trial.begin()))
    for name, path, wanted in zip(("first", "second"), both, alone):
        skipped = len(gone) if name == "first" else 0
        wanted = wanted[skipped : skipped + len(path)]
        yield from compared(f"{name} of two", path, wanted, problem, skipped)


@check(
    statement="A run does not depend on what ran before it.",
    source=GOYAL,
    catches="velocity_survives_restart",
    always=short_runs,
    random=any_runs,
)
def fresh_start_is_fresh(trial: Trial) -> Found:
    wanted = trial.whole()
    trial.on(seed=trial.problem.seed + 1, kind="normal").whole()
    yield from compared("after another run", trial.whole(), wanted, trial.problem)


@check(
    statement="A new optimizer's first step is a first step, whoever moved its parameters before.",
    source=GOYAL,
    catches="buffers_outlive_optimizer velocity_survives_restart hyper_leaks_between_runs",
    needs=("restart",),
    always=short_runs,
    random=any_runs,
)
def new_optimizer_is_fresh(trial: Trial) -> Found:
    problem = trial.problem
    for stop in stops(problem)[1:] or stops(problem):
        run, gone = trial.until(stop)
        here = gone[-1][1] if gone else problem.start
        # Before the other run, which could write over what the old optimizer has left.
        run.restart()
        got = list(trial.onward(run, here=here))
        wanted = list(trial.onward(trial.begin(here), here=here))
        yield from compared(f"new optimizer after step {stop}", got, wanted, problem, 0)


def _together(trial: Trial, name: str, twin_of: Callable[[FullRun, int], FullRun]) -> Found:
    """A run and its twin, made at a stop, each go on as a run that nobody stops."""
    wanted = trial.whole()
    for stop in stops(trial.problem):
        run, gone = trial.until(stop)
        pair = run, twin_of(run, stop)
        both = by_turns(*(trial.onward(one, gone) for one in pair))
        for which, path in zip(("original", f"by {name}"), both):
            yield from compared(f"{which}, parted at step {stop}", path, wanted, trial.problem)
