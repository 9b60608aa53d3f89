"""Steps through a closure."""

from collections.abc import Sequence

from momentum.checks import _given
from momentum.checks._check import Found, check, same, true
from momentum.checks._runs import forms
from momentum.checks.schedules import everything_moves
from momentum.conventions import Convention
from momentum.subjects.observation import Observation, begin, judge, read
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Subject

TORCH = "torch.optim.Optimizer.step: a closure that reevaluates the model and returns the loss"


def every_form(setting: Setting) -> Sequence[Problem]:
    """Three steps in each form."""
    return [_given.run(setting, [row] * 3) for row in forms(setting)]


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
    yield from _stepped(subject, convention, problem, sets=False)


@check(
    statement="Hyper-parameters that a closure sets hold for the step that it belongs to.",
    source=f"{TORCH}; torch.optim.SGD reads its groups after it has called the closure",
    catches="rate_read_before_closure",
    needs=("closure_sets", "settable:lr"),
    always=everything_moves,
)
def closure_may_set_the_rate(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _stepped(subject, convention, problem, sets=True)


def _stepped(subject: Subject, convention: Convention, problem: Problem, sets: bool) -> Found:
    """The oracle's judgement of steps through closures. sets: they set the hyper-parameters."""
    run, here = begin(subject, problem), problem.start
    fed, iterates = [], []
    for t in range(problem.steps):
        fed.append(tuple(problem.gradients(t, here)))
        run.step_closure(fed[-1], *([problem.hypers[t]] if sets else []))
        here = read(run, problem, t + 1)
        iterates.append(tuple(here))
    yield from judge(subject, Observation(problem, tuple(fed), tuple(iterates)), convention)


@check(
    statement="A closure is called exactly once in a step.",
    source=TORCH,
    catches="closure_called_twice closure_not_called",
    needs=("closure",),
    always=every_form,
)
def closure_is_called_once(subject: Subject, convention: Convention, problem: Problem) -> Found:
    run, here = begin(subject, problem), problem.start
    for t in range(problem.steps):
        _, _, calls = run.step_closure(problem.gradients(t, here))
        here = read(run, problem, t + 1)
        yield true(calls == 1, f"step {t + 1}: the closure was called {calls} times", t + 1)


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
