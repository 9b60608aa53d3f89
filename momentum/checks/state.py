"""State: saved and loaded without a trace."""

from collections.abc import Callable
from dataclasses import replace

from momentum.checks import _given as given
from momentum.checks._check import Found, Step, Trial, advice, check
from momentum.checks._given import Drawn, Problems, Setting, problems
from momentum.checks._runs import catch_up, compared, forms, goes_on, stops
from momentum.subjects.offers import FullRun

GOYAL = "law; Goyal et al. 2017, section 2.1: momentum makes a step depend on all steps before it"


def short_runs(setting: Setting) -> Problems:
    """Four steps, interrupted at each of them: momentum alone; everything on and changing."""
    yield given.run(setting, forms(setting)[:1] * 4)
    first = given.hyper(setting, **given.FULL)
    then = given.changed(setting, first, **given.LATER)
    yield given.run(setting, [first, first, then, then], ((7,), (7,), (3, 5)))


def changing_runs(setting: Setting) -> Problems:
    """Every hyper-parameter and flag changes, plain and with Nesterov's form.

    Once for all parameters, and once in the first and the last of three groups.
    """
    then = {"lr": 0.2, "momentum": 0.7, "dampening": 0.2, "weight_decay": 0.3, "nu": 0.4}
    then |= {"maximize": False, "nesterov": False}
    together = given.moving(setting, [{}, {}, then, then], ((7,), (7,), (3, 5)))
    yield from together
    for p in together if setting.facts.groups else ():
        rows = tuple((row[0], p.hypers[0][0], row[0]) for row in p.hypers)
        yield replace(p, groups=(0, 1, 2), hypers=rows)


def any_runs(setting: Setting) -> Drawn:
    """Several groups and schedules."""
    return problems(setting, steps=(2, 10), schedule=("lr", "momentum"), groups=2)


def with_gaps(setting: Setting) -> Problems:
    """Some gradients are missing: at first, now and then, or always."""
    if setting.facts.none_gradients:
        row = given.hyper(setting, **given.FULL)
        absent = {(0, 1), (1, 1), (3, 0), *((t, 2) for t in range(4))}
        yield given.run(setting, [row] * 4, ((7,), (7,), (7,)), missing=absent)


def runs_of_many(setting: Setting) -> Problems:
    """The same; and a run of so many parameters that their numbers have two digits."""
    yield from short_runs(setting)
    yield given.run(setting, forms(setting)[:1] * 2, ((3,),) * 12)


@check(
    statement="A run that is saved at any step goes on unchanged, and so does what is loaded.",
    source=GOYAL,
    catches="""save_shares_velocity load_drops_velocity load_drops_step save_changes_run
        save_drops_second_parameter load_fills_existing_only load_ignores_group_order
        load_drops_weight save_crashes_without_momentum lr_dead_after_load
        load_orders_numbers_as_text""",
    needs=("resume",),
    every_dtype=True,
    always=runs_of_many,
    random=any_runs,
)
def resumes_where_it_stopped(trial: Trial) -> Found:
    wanted = trial.whole()
    for stop in stops(trial.problem):
        run, gone = trial.until(stop)
        saved = run.save()
        rest = [*gone, *trial.onward(run, gone)]
        yield from goes_on(f"saved at step {stop} and gone on", trial, rest, wanted)
        rest = _loaded(trial, gone, saved)
        yield from goes_on(f"saved at step {stop} and loaded", trial, rest, wanted)


@check(
    statement="An earlier state loaded into the run that has gone on takes it back to that state.",
    source=GOYAL,
    catches="load_keeps_live_velocity",
    needs=("resume",),
    always=short_runs,
)
def goes_back_to_an_earlier_state(trial: Trial) -> Found:
    wanted = trial.whole()
    for stop in stops(trial.problem)[:-1]:
        run, gone = trial.until(stop)
        saved = run.save()
        list(trial.onward(run, gone))
        rest = _loaded(trial, gone, saved, run)
        yield from goes_on(f"taken back to step {stop}", trial, rest, wanted)


@advice(
    statement="Loading restores the hyper-parameters that were set in the run.",
    source="torch.optim.Optimizer.load_state_dict: param_groups are part of the state",
    catches="load_forgets_hyper load_forgets_hyper_of_later_groups",
    needs=("resume", "settable:lr"),
    always=changing_runs,
)
def loads_hyperparameters(trial: Trial) -> Found:
    saved, gone = trial.until(trial.problem.steps - 1)
    run = trial.fresh()
    run.load(saved.save())
    yield from goes_on("loaded", trial, [*gone, *trial.onward(run, gone)], trial.whole())


@advice(
    statement="A saved state goes through a file, as data only, and a run goes on from it.",
    source="torch.load, weights_only: what reads files of others runs no code of theirs",
    catches="state_is_no_data",
    needs=("resume", "file"),
    always=changing_runs,
)
def state_goes_through_a_file(trial: Trial) -> Found:
    def saved(run: FullRun) -> object:
        return run.through_file(run.save())

    yield from _resumed("saved at step {}, read from a file", trial, saved)


@check(
    statement="Hyper-parameters that come with a loaded state count, not those of the constructor.",
    source="torch.optim.Optimizer.load_state_dict: param_groups are part of the state",
    catches="load_forgets_hyper load_forgets_hyper_of_later_groups",
    needs=("resume", "saves_options", "settable:lr"),
    always=changing_runs,
)
def loaded_options_count(trial: Trial) -> Found:
    yield from loads_hyperparameters(trial)


@check(
    statement="What is frozen while its run is saved goes on with its velocity once it is loaded.",
    source="torch.optim.Optimizer.state_dict: the state of all parameters, frozen or not",
    catches="save_drops_the_frozen",
    needs=("resume", "freeze"),
    always=short_runs,
)
def frozen_parameters_are_saved(trial: Trial) -> Found:
    def saved(run: FullRun) -> object:
        run.freeze(0, True)
        return run.save()

    yield from _resumed("saved with parameter 0 frozen at step {} and loaded", trial, saved)


@check(
    statement="Parameters that had no gradient yet do not disturb what is saved and loaded.",
    source=GOYAL,
    catches="load_drops_velocity load_drops_step",
    needs=("resume", "none_gradients"),
    errors_fail=True,
    always=with_gaps,
    random=lambda s: problems(s, steps=(2, 8), with_=("momentum",), missing=True),
)
def resumes_with_missing_gradients(trial: Trial) -> Found:
    yield from resumes_where_it_stopped(trial)


@advice(
    statement="Loading leaves every digit of a state that is wider than its parameter.",
    source="torch.optim.Optimizer.load_state_dict casts state to the parameter's type",
    catches="load_rounds_velocity",
    needs=("resume",),
    every_dtype=True,
    always=short_runs,
)
def loading_keeps_every_digit(trial: Trial) -> Found:
    wanted = trial.whole()
    for stop in stops(trial.problem):
        saved, gone = trial.until(stop)
        rest = _loaded(trial, gone, saved.save())
        yield from compared(f"saved at step {stop} and loaded", rest, wanted, trial.problem)


def _resumed(name: str, trial: Trial, saved: Callable[[FullRun], object]) -> Found:
    """Runs that load what was saved at every stop. name: with a place for the stop."""
    wanted = trial.whole()
    for stop in stops(trial.problem):
        run, gone = trial.until(stop)
        rest = _loaded(trial, gone, saved(run))
        yield from goes_on(name.format(stop), trial, rest, wanted)


def _loaded(
    trial: Trial, gone: list[Step], saved: object, run: FullRun | None = None
) -> list[Step]:
    """The whole path of a run that goes on from a saved state. run: a fresh one by default."""
    run = trial.fresh() if run is None else run
    run.load(saved)
    catch_up(run, trial.problem, len(gone))
    return [*gone, *trial.onward(run, gone)]
