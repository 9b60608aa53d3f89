"""Copies of a run, handed-over state, and runs side by side: nothing is shared between two."""

from dataclasses import replace
from typing import Any

from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.checks._runs import by_turns, catch_up, compared, fresh, onward, stops, until, whole
from momentum.checks.state import GOYAL, any_runs, short_runs
from momentum.conventions import Convention
from momentum.subjects.drive import begin
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Subject


@check(
    statement="A deep copy of a run goes on as the run does, independently of it.",
    source="Python library reference, copy; kakaobrain/torchlars#5 for what gets lost",
    catches=(
        "deepcopy_shares_velocity deepcopy_shares_parameters copy_forgets_set copy_loses_attribute"
    ),
    needs=("deepcopy",),
    always=short_runs,
    random=any_runs,
)
def deepcopy_is_faithful(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _duplicated(subject, problem, "deepcopy")


@check(
    statement="A run that was pickled goes on as the run does, independently of it.",
    source="Python library reference, pickle; kakaobrain/torchlars#5 for what gets lost",
    catches="copy_loses_attribute pickle_forgets_nesterov pickle_drops_velocity",
    needs=("pickle",),
    always=lambda s: [
        *short_runs(s),
        *_given.steady(s, [_given.NESTEROV] * ("nesterov" in s.facts.hyper), 4),
    ],
    random=any_runs,
)
def pickle_is_faithful(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _duplicated(subject, problem, "pickle")


@check(
    statement="A run that is handed another one's live state shares nothing with it.",
    source="pytorch/pytorch#196083",
    catches="load_shares_velocity",
    level="should",
    needs=("hand_over",),
    always=short_runs,
)
def handed_over_state_is_not_shared(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    wanted = whole(subject, problem)
    for stop in stops(problem):
        run, here = until(subject, problem, stop)
        twin = fresh(subject, problem)
        run.hand_over(twin)
        catch_up(twin, problem, stop)
        pair = run, twin
        yield from _together(subject, problem, stop, here, pair, "handing over", wanted)


@check(
    statement="Two live optimizers, of equal shapes too, do not feel each other.",
    source=GOYAL,
    catches="live_runs_share_velocity hyper_leaks_between_runs",
    always=short_runs,
    random=any_runs,
)
def live_runs_are_independent(subject: Subject, convention: Convention, problem: Problem) -> Found:
    other = replace(problem, seed=problem.seed + 1)
    alone = whole(subject, other), whole(subject, problem)
    # The second begins when the first has been stepped and told other hyper-parameters.
    first, here = until(subject, other, problem.steps // 2)
    second = begin(subject, problem)
    both = by_turns(
        onward(subject, first, other, problem.steps // 2, here),
        onward(subject, second, problem, 0, problem.start),
    )
    for name, path, wanted in zip(("first", "second"), both, alone):
        skipped = problem.steps // 2 if name == "first" else 0
        wanted = wanted[skipped : skipped + len(path)]
        yield from compared(f"{name} of two", path, wanted, problem, skipped)


@check(
    statement="A run does not depend on what ran before it.",
    source=GOYAL,
    catches="velocity_survives_restart",
    always=short_runs,
    random=any_runs,
)
def fresh_start_is_fresh(subject: Subject, convention: Convention, problem: Problem) -> Found:
    wanted = whole(subject, problem)
    whole(subject, replace(problem, seed=problem.seed + 1, kind="normal"))
    yield from compared("after another run", whole(subject, problem), wanted, problem)


@check(
    statement="A new optimizer's first step is a first step, whoever moved its parameters before.",
    source=GOYAL,
    catches="buffers_outlive_optimizer velocity_survives_restart hyper_leaks_between_runs",
    needs=("restart",),
    always=short_runs,
    random=any_runs,
)
def new_optimizer_is_fresh(subject: Subject, convention: Convention, problem: Problem) -> Found:
    for stop in stops(problem)[1:] or stops(problem):
        run, here = until(subject, problem, stop)
        # Before the other run, which could write over what the old optimizer has left.
        run.restart()
        got = list(onward(subject, run, problem, 0, here))
        hypers, groups = list(problem.hypers[0]), list(problem.groups)
        alone = subject.start(
            [x.copy() for x in here], hypers, problem.dtype, groups, dict(problem.options)
        )
        wanted = list(onward(subject, alone, problem, 0, here))
        yield from compared(f"new optimizer after step {stop}", got, wanted, problem, 0)


def _duplicated(subject: Subject, problem: Problem, how: str) -> Found:
    wanted = whole(subject, problem)
    for stop in stops(problem):
        run, here = until(subject, problem, stop)
        pair = run, run.duplicate(how)
        yield from _together(subject, problem, stop, here, pair, how, wanted)


def _together(
    subject: Subject,
    problem: Problem,
    stop: int,
    here: list[Array],
    pair: tuple[Any, Any],
    name: str,
    wanted: list[list[Array]],
) -> Found:
    both = by_turns(*(onward(subject, run, problem, stop, here) for run in pair))
    for which, path in zip(("original", f"by {name}"), both):
        yield from compared(f"{which}, parted at step {stop}", path, wanted, problem)
