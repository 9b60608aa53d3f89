"""State: saved and loaded without a trace."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.checks._runs import catch_up, compared, forms, fresh, stops
from momentum.conventions import Convention
from momentum.subjects.drive import Observation, advance, begin
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Array, Run, Subject

Path = list[tuple[tuple[Array | None, ...], tuple[Array, ...]]]
"""What was fed at each step, and where it led."""

GOYAL = "law; Goyal et al. 2017, section 2.1: momentum makes a step depend on all steps before it"


def short_runs(setting: Setting) -> Sequence[Problem]:
    """Four steps, interrupted at each of them: momentum alone; everything on and changing."""
    plain = forms(setting)[0]
    first = _given.hyper(setting, **_given.FULL)
    then = _given.changed(setting, first, **_given.LATER)
    return [
        _given.run(setting, [plain] * 4),
        _given.run(setting, [first, first, then, then], ((7,), (7,), (3, 5))),
    ]


def changing_runs(setting: Setting) -> Sequence[Problem]:
    """Every hyper-parameter and flag changes, plain and with Nesterov's form."""
    then = {"lr": 0.2, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.3, "nu": 0.4}
    then |= {"maximize": False, "nesterov": False}
    return _given.moving(setting, [{}, {}, then, then], ((7,), (7,), (3, 5)))


def any_runs(setting: Setting) -> st.SearchStrategy[Problem]:
    """Several groups and schedules."""
    return problems(setting, steps=(2, 10), schedule=("lr", "momentum"), groups=2)


def with_gaps(setting: Setting) -> Sequence[Problem]:
    """Some gradients are missing: at first, now and then, or always."""
    if not setting.facts.none_gradients:
        return []
    row = _given.hyper(setting, **_given.FULL)
    absent = {(0, 1), (1, 1), (3, 0), *((t, 2) for t in range(4))}
    return [_given.run(setting, [row] * 4, ((7,), (7,), (7,)), missing=absent)]


@check(
    statement="A run that is saved at any step goes on unchanged, and so does what is loaded.",
    source=GOYAL,
    catches=(
        "save_shares_velocity load_drops_velocity load_drops_step save_changes_run "
        "save_drops_second_parameter load_fills_existing_only load_ignores_group_order "
        "load_drops_weight save_crashes_without_momentum "
        "lr_dead_after_load"
    ),
    needs=("resume",),
    every_dtype=True,
    always=short_runs,
    random=any_runs,
)
def resumes_where_it_stopped(subject: Subject, convention: Convention, problem: Problem) -> Found:
    wanted = _whole(subject, problem)
    for stop in stops(problem):
        run, gone = _until(subject, problem, stop)
        saved = run.save()
        rest = _onward(subject, run, problem, gone)
        yield from _goes_on(f"saved at step {stop} and gone on", subject, convention, rest, wanted)
        rest = _loaded(subject, problem, gone, saved)
        yield from _goes_on(f"saved at step {stop} and loaded", subject, convention, rest, wanted)


@check(
    statement="An earlier state loaded into the run that has gone on takes it back to that state.",
    source=GOYAL,
    catches="load_keeps_live_velocity",
    needs=("resume",),
    always=short_runs,
)
def goes_back_to_an_earlier_state(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    wanted = _whole(subject, problem)
    for stop in stops(problem)[:-1]:
        run, gone = _until(subject, problem, stop)
        saved = run.save()
        _onward(subject, run, problem, gone)
        rest = _loaded(subject, problem, gone, saved, run)
        yield from _goes_on(f"taken back to step {stop}", subject, convention, rest, wanted)


@check(
    statement="Loading restores the hyper-parameters that were set in the run.",
    source="torch.optim.Optimizer.load_state_dict: param_groups are part of the state",
    catches="load_forgets_hyper",
    level="should",
    needs=("resume", "settable:lr"),
    always=changing_runs,
)
def loads_hyperparameters(subject: Subject, convention: Convention, problem: Problem) -> Found:
    wanted = _whole(subject, problem)
    saved, gone = _until(subject, problem, problem.steps - 1)
    run = fresh(subject, problem)
    run.load(saved.save())
    rest = _onward(subject, run, problem, gone)
    yield from _goes_on("loaded", subject, convention, rest, wanted)


@check(
    statement="A saved state goes through a file, as data only, and a run goes on from it.",
    source="torch.load, weights_only: what reads files of others runs no code of theirs",
    catches="state_is_no_data",
    level="should",
    needs=("resume", "file"),
    always=changing_runs,
)
def state_goes_through_a_file(subject: Subject, convention: Convention, problem: Problem) -> Found:
    wanted = _whole(subject, problem)
    for stop in stops(problem):
        run, gone = _until(subject, problem, stop)
        rest = _loaded(subject, problem, gone, run.through_file(run.save()))
        name = f"saved at step {stop}, read from a file"
        yield from _goes_on(name, subject, convention, rest, wanted)


@check(
    statement="Hyper-parameters that come with a loaded state count, not those of the constructor.",
    source="torch.optim.Optimizer.load_state_dict: param_groups are part of the state",
    catches="load_forgets_hyper",
    needs=("resume", "saves_options", "settable:lr"),
    always=changing_runs,
)
def loaded_options_count(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from loads_hyperparameters(subject, convention, problem)


@check(
    statement="Parameters that had no gradient yet do not disturb what is saved and loaded.",
    source=GOYAL,
    catches="load_drops_velocity load_drops_step",
    needs=("resume", "none_gradients"),
    errors_fail=True,
    always=with_gaps,
    random=lambda s: problems(s, steps=(2, 8), with_=("momentum",), missing=True),
)
def resumes_with_missing_gradients(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from resumes_where_it_stopped(subject, convention, problem)


@check(
    statement="Loading leaves every digit of a state that is wider than its parameter.",
    source="torch.optim.Optimizer.load_state_dict casts state to the parameter's type",
    catches="load_rounds_velocity",
    level="should",
    needs=("resume",),
    every_dtype=True,
    always=short_runs,
)
def loading_keeps_every_digit(subject: Subject, convention: Convention, problem: Problem) -> Found:
    wanted = _whole(subject, problem)
    for stop in stops(problem):
        saved, gone = _until(subject, problem, stop)
        rest = _loaded(subject, problem, gone, saved.save())
        yield from _exactly(f"saved at step {stop} and loaded", rest, wanted)


def _onward(subject: Subject, run: Run, problem: Problem, gone: Path) -> Path:
    """The whole path of a run that has gone so far."""
    here = gone[-1][1] if gone else problem.start
    points = "point" in subject.facts.offers
    return [*gone, *advance(run, problem, len(gone), here, points)]


def _loaded(subject: Subject, problem: Problem, gone: Path, saved: Any, run: Any = None) -> Path:
    """The whole path of a run that goes on from a saved state. run: a fresh one by default."""
    run = fresh(subject, problem) if run is None else run
    run.load(saved)
    catch_up(run, problem, len(gone))
    return _onward(subject, run, problem, gone)


def _until(subject: Subject, problem: Problem, steps: int) -> tuple[Any, Path]:
    """A run that has taken some of the problem's steps, and its path."""
    run = begin(subject, problem)
    return run, _onward(subject, run, problem.cut(steps), []) if steps else []


def _whole(subject: Subject, problem: Problem) -> Observation:
    """An undisturbed run."""
    return _observed(problem, _onward(subject, begin(subject, problem), problem, []))


def _observed(problem: Problem, path: Path) -> Observation:
    return Observation(problem, *(tuple(x) for x in zip(*path)))


def _exactly(name: str, path: Path, wanted: Observation) -> Found:
    """Bit for bit as if there had been no stop."""
    yield from compared(name, [here for _, here in path], wanted.iterates, wanted.problem)


def _goes_on(
    name: str, subject: Subject, convention: Convention, path: Path, wanted: Observation
) -> Found:
    """The same, or as right: loading may round a state that was wider than its parameter."""
    found = list(_exactly(name, path, wanted))
    if any(m.error for m in found):
        judged = judge(subject, _observed(wanted.problem, path), convention)
        found = [m._replace(where=f"{name}: {m.where}") for m in judged]
    yield from found
