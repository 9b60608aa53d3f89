"""Parameters whose numbers, memory or format are changed beside the optimizer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from momentum.arithmetic import format_of
from momentum.checks import _given
from momentum.checks._check import Found, check
from momentum.checks._runs import stepped
from momentum.conventions import Convention
from momentum.subjects.drive import Fed, Observation, advance, begin, plainly
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import Subject


def changing(setting: Setting) -> Sequence[Problem]:
    """Four steps, everything on and changing, plain and with Nesterov's form."""
    shapes = ((7,), (7,), (17,), (3, 5))
    return _given.moving(setting, [{}, {}, _given.LATER, _given.LATER], shapes)


@check(
    statement="A step starts from where the parameter is, whoever put it there.",
    source="law; torch.optim.swa_utils, and every loader of checkpoints, write into parameters",
    catches="master_undoes_placing",
    needs=("place", "velocity"),
    every_dtype=True,
    always=changing,
)
def agrees_from_where_it_is_put(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    points = "point" in subject.facts.offers
    for stop in range(1, problem.steps):
        run = begin(subject, problem)
        gone = list(advance(run, problem.cut(stop), 0, problem.start, points))
        # As far from 0 as it was: digits kept beside the old value (a compensated sum) still lie
        # within the one rounding by which the start is in doubt.
        there = [-x for x in gone[-1][1]]
        run.place([x.copy() for x in there])
        gone[-1] = gone[-1][0], tuple(there)
        gone += advance(run, problem, stop, there, points)
        fed, iterates = zip(*gone)
        for measured in judge(subject, Observation(problem, fed, iterates), convention):
            if measured.how == "step" and measured.step > stop:
                where = f"{measured.where}, put elsewhere after step {stop}"
                yield measured._replace(where=where)


@check(
    statement="A step writes where the parameter points now, not where it pointed once.",
    source="torch.nn.utils.vector_to_parameters; torch.nn.Module.to: param.data = fn(param.data)",
    catches="writes_into_first_memory reads_from_first_memory",
    needs=("rebind",),
    always=changing,
)
def writes_where_the_parameter_points(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    for how in ("each", "together"):

        def rebinding(run: Any, t: int, fed: Fed, how: str = how) -> None:
            run.rebind(how)
            plainly(run, t, fed)

        for measured in stepped(subject, convention, problem, rebinding):
            where = f"{measured.where}, memory changed before every step, {how}"
            yield measured._replace(where=where)


@check(
    statement="Parameters turned into another format before the first step move in that format.",
    source="torch.nn.Module.double, .half: the optimizer may have been made before",
    catches="format_of_the_start_kept",
    needs=("recast",),
    always=changing,
)
def agrees_after_a_change_of_format(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    points = "point" in subject.facts.offers
    by_digits = sorted(subject.facts.dtypes, key=lambda n: format_of(n).precision)
    for dtype in by_digits[::-1]:
        if dtype == problem.dtype:
            continue
        run, cast = begin(subject, problem), replace(problem, dtype=dtype)
        run.recast(dtype)
        # The start has the digits of the narrower format, the gradients all of the new one's.
        start = [format_of(dtype).round(x) for x in problem.start]
        vars(cast)["start"] = start  # what is cached there is drawn anew
        fed, iterates = zip(*advance(run, cast, 0, start, points))
        for measured in judge(subject, Observation(cast, fed, iterates), convention):
            where = f"{measured.where}, {problem.dtype} turned into {dtype}"
            yield measured._replace(where=where)
