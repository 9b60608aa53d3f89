"""Steps through a closure."""

from typing import Any

from momentum.checks._check import Found, check, same, true
from momentum.checks._runs import every_form, stepped, walked
from momentum.checks.schedules import everything_moves
from momentum.conventions import Convention
from momentum.subjects.drive import Fed, begin
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import problems
from momentum.subjects.protocol import Subject

TORCH = "torch.optim.Optimizer.step: a closure that reevaluates the model and returns the loss"


@check(
    statement="A step through a closure uses the gradients that the closure leaves.",
    source=TORCH,
    catches="step_before_closure closure_not_called maximize_not_in_closure",
    needs=("closure",),
    always=every_form,
    random=lambda s: problems(s, steps=(1, 6)),
)
def closure_gives_the_gradients(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from stepped(subject, convention, problem, lambda run, t, fed: run.step_closure(fed))


@check(
    statement="Hyper-parameters that a closure sets hold for the step that it belongs to.",
    source=f"{TORCH}; torch.optim.SGD reads its groups after it has called the closure",
    catches="rate_read_before_closure",
    needs=("closure_sets", "settable:lr"),
    always=everything_moves,
)
def closure_may_set_the_rate(subject: Subject, convention: Convention, problem: Problem) -> Found:
    def setting(run: Any, t: int, fed: Fed) -> None:
        run.step_closure(fed, problem.hypers[t])

    yield from stepped(subject, convention, problem, setting, told=False)


@check(
    statement="A closure is called exactly once in a step.",
    source=TORCH,
    catches="closure_called_twice closure_not_called",
    needs=("closure",),
    always=every_form,
)
def closure_is_called_once(subject: Subject, convention: Convention, problem: Problem) -> Found:
    calls: list[int] = []

    def counting(run: Any, t: int, fed: Fed) -> None:
        calls.append(run.step_closure(fed)[2])

    for t, *_ in walked(subject, problem, counting):
        where = f"step {t + 1}: the closure was called {calls[t]} times"
        yield true(calls[t] == 1, where, t + 1)


@check(
    statement="A step returns what its closure returned.",
    source=TORCH,
    catches="closure_result_dropped",
    level="should",
    needs=("closure",),
    always=every_form,
)
def closure_result_is_returned(subject: Subject, convention: Convention, problem: Problem) -> Found:
    run = begin(subject, problem)
    returned, loss, _ = run.step_closure(problem.gradients(0, problem.start))
    where = f"step 1 returned {returned}, the closure {loss}"
    if returned is None or loss is None:
        yield true(returned is loss, where, 1)
    else:
        yield same(returned, loss, where, 1)
