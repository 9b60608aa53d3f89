"""State: saved, loaded, copied and handed over without a trace; never shared between runs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from momentum.checks import _given
from momentum.checks._check import check
from momentum.checks._runs import (
    by_turns,
    catch_up,
    compared,
    forms,
    fresh,
    onward,
    stops,
    until,
    whole,
)
from momentum.conventions import Convention
from momentum.observation import Array, Measured, begin
from momentum.problems import Problem
from momentum.problems.strategies import Setting, problems
from momentum.subject import Subject

GOYAL = "law; Goyal et al. 2017, section 2.1: momentum makes a step depend on all steps before it"


def short_runs(setting: Setting) -> Sequence[Problem]:
    """Four steps, interrupted at each of them: momentum alone; everything on and changing."""
    plain = forms(setting)[0]
    first = _given.hyper(setting, **_given.FULL)
    then = _given.changed(setting, first, lr=0.2, momentum=0.7)
    return [
        _given.run(setting, [plain] * 4),
        _given.run(setting, [first, first, then, then], ((7,), (7,), (3, 5))),
    ]


def changing_runs(setting: Setting) -> Sequence[Problem]:
    """The second of them."""
    return short_runs(setting)[1:]


def any_runs(setting: Setting) -> st.SearchStrategy[Problem]:
    """Several groups and schedules."""
    return problems(setting, steps=(2, 10), schedule=("lr", "momentum"), groups=2)


def with_gaps(setting: Setting) -> Sequence[Problem]:
    """Some gradients are missing: at first, now and then, or always."""
    if not setting.none_gradients:
        return []
    row = _given.hyper(setting, **_given.FULL)
    absent = {(0, 1), (1, 1), (3, 0), *((t, 2) for t in range(4))}
    return [_given.run(setting, [row] * 4, ((7,), (7,), (7,)), missing=absent)]


@check(
    statement="A run that is saved at any step goes on unchanged, and so does what is loaded.",
    source=GOYAL,
    catches=(
        *("save_shares_velocity", "load_drops_velocity", "load_drops_step", "save_changes_run"),
        *("save_drops_second_parameter", "load_fills_existing_only", "load_ignores_group_order"),
        *("load_rounds_velocity", "load_drops_weight", "save_crashes_without_momentum"),
        "lr_dead_after_load",
    ),
    needs=("resume",),
    every_dtype=True,
    always=short_runs,
    random=any_runs,
)
def resumes_where_it_stopped(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    wanted = whole(subject, problem)
    for stop in stops(problem):
        run, here = until(subject, problem, stop)
        saved = run.save()
        rest = list(onward(subject, run, problem, stop, here))
        yield from compared(f"saved at step {stop} and gone on", rest, wanted, problem)
        run = fresh(subject, problem)
        run.load(saved)
        catch_up(run, problem, stop)
        rest = list(onward(subject, run, problem, stop, here))
        yield from compared(f"saved at step {stop} and loaded", rest, wanted, problem)


@check(
    statement="Loading restores the hyper-parameters that were set in the run.",
    source="torch.optim.Optimizer.load_state_dict: param_groups are part of the state",
    catches=("load_forgets_hyper",),
    level="should",
    needs=("resume", "settable:lr"),
    always=changing_runs,
    random=None,
)
def loads_hyperparameters(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    wanted = whole(subject, problem)
    saved, here = until(subject, problem, problem.steps - 1)
    run = fresh(subject, problem)
    run.load(saved.save())
    rest = list(onward(subject, run, problem, problem.steps - 1, here))
    yield from compared("loaded", rest, wanted, problem)


@check(
    statement="Parameters that had no gradient yet do not disturb what is saved and loaded.",
    source=GOYAL,
    catches=("load_drops_velocity", "load_drops_step"),
    needs=("resume", "none_gradients"),
    always=with_gaps,
    random=lambda s: problems(s, steps=(2, 8), with_=("momentum",), missing=True),
)
def resumes_with_missing_gradients(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    yield from resumes_where_it_stopped(subject, convention, problem)


@check(
    statement="A deep copy of a run goes on as the run does, independently of it.",
    source="Python library reference, copy; kakaobrain/torchlars#5 for what gets lost",
    catches=(
        *("deepcopy_shares_velocity", "deepcopy_shares_parameters", "copy_forgets_set"),
        "copy_loses_attribute",
    ),
    needs=("deepcopy",),
    always=short_runs,
    random=any_runs,
)
def deepcopy_is_faithful(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    yield from _duplicated(subject, problem, "deepcopy")


@check(
    statement="A run that was pickled goes on as the run does, independently of it.",
    source="Python library reference, pickle; kakaobrain/torchlars#5 for what gets lost",
    catches=("copy_loses_attribute", "pickle_forgets_nesterov", "pickle_drops_velocity"),
    needs=("pickle",),
    always=lambda s: [*short_runs(s), *nesterov_runs(s)],
    random=any_runs,
)
def pickle_is_faithful(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    yield from _duplicated(subject, problem, "pickle")


def nesterov_runs(setting: Setting) -> Sequence[Problem]:
    """Four steps in Nesterov's form, where there is one."""
    if "nesterov" not in setting.hyper:
        return []
    return [_given.run(setting, [_given.hyper(setting, **_given.NESTEROV)] * 4)]


@check(
    statement="A run that is handed another one's live state shares nothing with it.",
    source="pytorch/pytorch#196083",
    catches=("load_shares_velocity",),
    level="should",
    needs=("hand_over",),
    always=short_runs,
    random=None,
)
def handed_over_state_is_not_shared(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    for stop in stops(problem):
        run, here = until(subject, problem, stop)
        twin = fresh(subject, problem)
        run.hand_over(twin)
        catch_up(twin, problem, stop)
        yield from _together(subject, problem, stop, here, run, twin, "handing over")


@check(
    statement="Two live optimizers, of equal shapes too, do not feel each other.",
    source=GOYAL,
    catches=("live_runs_share_velocity", "hyper_leaks_between_runs"),
    always=short_runs,
    random=any_runs,
)
def live_runs_are_independent(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
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
    catches=("velocity_survives_restart",),
    always=short_runs,
    random=any_runs,
)
def fresh_start_is_fresh(
    subject: Subject, convention: Convention, problem: Problem
) -> Iterator[Measured]:
    wanted = whole(subject, problem)
    whole(subject, replace(problem, seed=problem.seed + 1, kind="normal"))
    yield from compared("after another run", whole(subject, problem), wanted, problem)


def _duplicated(subject: Subject, problem: Problem, how: str) -> Iterator[Measured]:
    for stop in stops(problem):
        run, here = until(subject, problem, stop)
        yield from _together(subject, problem, stop, here, run, run.duplicate(how), how)


def _together(
    subject: Subject, problem: Problem, stop: int, here: list[Array], run: Any, twin: Any, name: str
) -> Iterator[Measured]:
    wanted = whole(subject, problem)
    both = by_turns(*(onward(subject, r, problem, stop, here) for r in (run, twin)))
    for which, path in zip(("original", f"by {name}"), both):
        yield from compared(f"{which}, parted at step {stop}", path, wanted, problem)
