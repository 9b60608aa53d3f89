"""Steps through a closure."""

from functools import partial

from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, advice, check, problems, same, true
from momentum.checks._runs import every_form, stepped, walked
from momentum.checks._trial import How
from momentum.checks.schedules import everything_moves, turned_flags
from momentum.subjects.drive import Fed, plainly
from momentum.subjects.offers import FullRun

TORCH = "torch.optim.Optimizer.step: a closure that reevaluates the model and returns the loss"


@check(
    statement="A step through a closure uses the gradients that the closure leaves.",
    source=TORCH,
    catches="""step_before_closure closure_not_called maximize_not_in_closure
        lost_loss_skips_the_step""",
    needs=("closure",),
    always=lambda s: [*every_form(s), *given.steady(s, [given.FULL], 3, kind="special")],
    random=lambda s: problems(s, steps=(1, 6)),
)
def closure_gives_the_gradients(trial: Trial) -> Found:
    yield from stepped(trial, lambda run, t, fed: run.step_closure(fed))


@check(
    statement="Hyper-parameters that a closure sets hold for the step that it belongs to.",
    source=f"{TORCH}; torch.optim.SGD reads its groups after it has called the closure",
    catches="rate_read_before_closure flags_read_before_closure",
    needs=("closure_sets", "settable:lr"),
    always=lambda s: [*everything_moves(s), *turned_flags(s)],
)
def closure_may_set_the_rate(trial: Trial) -> Found:
    rows = trial.problem.hypers
    yield from stepped(trial, lambda run, t, fed: run.step_closure(fed, rows[t]), told=False)


@check(
    statement="A closure is called exactly once in a step.",
    source=TORCH,
    catches="closure_called_twice closure_not_called",
    needs=("closure",),
    always=every_form,
)
def closure_is_called_once(trial: Trial) -> Found:
    calls: list[int] = []
    for t, *_ in walked(trial, lambda run, t, fed: calls.append(run.step_closure(fed)[2])):
        where = f"step {t + 1}: the closure was called {calls[t]} times"
        yield true(calls[t] == 1, where, t + 1)


@check(
    statement="A step whose closure raises is none: the error comes through, and a run goes on.",
    source=f"{TORCH}; a program that runs out of memory in it takes the step again",
    catches="state_lost_when_closure_raises",
    needs=("closure", "closure_raises"),
    always=every_form,
)
def raising_closure_is_no_step(trial: Trial) -> Found:
    through: list[bool] = []

    def again(run: FullRun, t: int, fed: Fed, step: How) -> None:
        through.append(run.raising_step())
        step(run, t, fed)

    for step in (plainly, lambda run, t, fed: run.step_closure(fed)):
        yield from stepped(trial, partial(again, step=step))
    yield true(all(through), "a step kept an error of its closure to itself")


@advice(
    statement="A step returns what its closure returned.",
    source=TORCH,
    catches="closure_result_dropped",
    needs=("closure",),
    always=every_form,
)
def closure_result_is_returned(trial: Trial) -> Found:
    fed = trial.problem.gradients(0, trial.problem.start)
    returned, loss, _ = trial.begin().step_closure(fed)
    where = f"step 1 returned {returned}, the closure {loss}"
    if returned is None or loss is None:
        yield true(returned is loss, where, 1)
    else:
        yield same(returned, loss, where, 1)
