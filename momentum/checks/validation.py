"""What an optimizer must refuse, and what it must not."""

from collections.abc import Sequence

import numpy as np

from momentum.checks import _given
from momentum.checks._check import Found, check, true
from momentum.checks._runs import fresh, until
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import COMMON
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.refusals import Refusals


def ordinary(setting: Setting) -> Sequence[Problem]:
    """Two steps with everything on."""
    return _given.steady(setting, [_given.FULL], 2)


def _with(h: Hyper, name: str, value: float) -> Hyper:
    return Hyper(**{**h._asdict(), name: value})


def _refusal(subject: Subject, rows: Sequence[Hyper], problem: Problem) -> str | None:
    """How a start is refused; None where it is not."""
    groups = [i % len(rows) for i in range(len(problem.shapes))]
    try:
        subject.start([x.copy() for x in problem.start], list(rows), problem.dtype, groups)
    except (ValueError, TypeError):
        return "refused"
    except Exception as error:
        return type(error).__name__
    return None


def _must_refuse(subject: Subject, problem: Problem, rows: Sequence[Hyper], what: str) -> Found:
    refusal = _refusal(subject, rows, problem)
    got = "accepted" if refusal is None else f"refused by {refusal}, wanted ValueError"
    yield true(refusal == "refused", f"{what} is {got}")


def _each_bad(
    subject: Subject, problem: Problem, values: Sequence[float], names: Sequence[str]
) -> Found:
    good = problem.hypers[0][0]
    for name in names:
        if name in subject.facts.domain.free:
            for value in values:
                bad = _with(good, name, value)
                yield from _must_refuse(subject, problem, [bad], f"{name} = {value}")


@check(
    statement="A negative learning rate, momentum or weight decay is refused with ValueError.",
    source="pytorch/pytorch#6000; tinygrad/tinygrad#15576",
    catches=(
        "negative_lr_accepted negative_momentum_accepted negative_decay_accepted "
        "validates_at_first_step validates_by_clamping refuses_by_assertion"
    ),
    level="should",
    needs=("validates",),
    always=ordinary,
)
def refuses_negative_numbers(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _each_bad(subject, problem, (-0.125,), ("lr", "momentum", "weight_decay"))


@check(
    statement="A hyper-parameter that is nan or infinite is refused with ValueError.",
    source="law; every parameter is nan after one step with it",
    catches="nan_lr_accepted nan_momentum_accepted infinite_lr_accepted",
    level="should",
    needs=("validates",),
    always=ordinary,
)
def refuses_numbers_that_are_not_finite(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    yield from _each_bad(subject, problem, (np.nan, np.inf), COMMON)


@check(
    statement="Bad hyper-parameters of a later group are refused too, at the start and when it"
    " joins.",
    source="law; torch.optim.SGD looks at its defaults only",
    catches="validates_first_group_only late_group_not_validated",
    level="should",
    needs=("validates", "groups"),
    always=ordinary,
)
def refuses_them_in_every_group(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    good = problem.hypers[0][0]
    free = subject.facts.domain.free
    bad = [_with(good, n, -0.125) for n in ("lr", "momentum") if n in free]
    for h in bad:
        yield from _must_refuse(subject, problem, [good, h], "a negative one in the second group")
        if "late_groups" in subject.facts.offers:
            run, _ = until(subject, problem, 1)
            try:
                run.add_group([np.zeros(3)], h)
            except ValueError:
                continue
            yield true(False, "a negative one in a group that joins late is accepted")


@check(
    statement="A learning rate, momentum or weight decay of 0 is accepted.",
    source="Goyal et al. 2017, section 2.2: warmup starts from a learning rate of 0",
    catches="refuses_zero_lr",
    level="should",
    needs=("validates",),
    always=ordinary,
)
def accepts_zero(subject: Subject, convention: Convention, problem: Problem) -> Found:
    domain = subject.facts.domain
    for name in sorted(domain.free.intersection(COMMON)):
        zero = domain.combined({**problem.hypers[0][0]._asdict(), "nesterov": False, name: 0.0})
        if getattr(zero, name) == 0:
            refusal = _refusal(subject, [zero], problem)
            yield true(refusal is None, f"{name} = 0 is refused")


def usual(setting: Setting) -> Sequence[Problem]:
    """A rate and a momentum that everyone uses, alone; as far as they can be chosen."""
    wanted: tuple[dict[str, float], ...] = ({"lr": 0.1}, {"lr": 0.01, "momentum": 0.9})
    rows = dict.fromkeys(_given.hyper(setting, **w) for w in wanted)
    return [_given.run(setting, [h] * 2) for h in rows]


@check(
    statement="The usual rates and momenta are accepted, alone.",
    source="Sutskever, Martens, Dahl, Hinton 2013, section 3: momenta up to 0.999",
    catches="refuses_usual_momentum",
    always=usual,
)
def accepts_usual_values(subject: Subject, convention: Convention, problem: Problem) -> Found:
    h = problem.hypers[0][0]
    refusal = Refusals(subject).of(h, problem.dtype)
    yield true(refusal is None, refusal or "")


def _takes_both(facts: Facts, convention: Convention, problem: Problem) -> str | None:
    return "takes Nesterov's form with dampening" if facts.domain.together else None


@check(
    statement="Nesterov's form is refused with dampening, where it has no meaning for the subject.",
    source="pytorch/pytorch#887",
    catches="nesterov_with_dampening_accepted",
    level="should",
    needs=("validates", "hyper:nesterov", "hyper:dampening", "hyper:momentum"),
    always=ordinary,
    applies=_takes_both,
)
def nesterov_refuses_dampening(subject: Subject, convention: Convention, problem: Problem) -> Found:
    dampening = subject.facts.domain.fixed.get("dampening", 0.35)
    both = problem.hypers[0][0]._replace(nesterov=True, dampening=dampening)
    yield from _must_refuse(subject, problem, [both], "nesterov with dampening")


@check(
    statement="A saved state that does not fit is refused when it is loaded.",
    source="pytorch/pytorch#7499; pytorch/pytorch#1489",
    catches="foreign_state_accepted wrong_shape_accepted",
    level="should",
    needs=("foreign_state", "resume"),
    always=ordinary,
)
def refuses_foreign_state(subject: Subject, convention: Convention, problem: Problem) -> Found:
    run, _ = until(subject, problem, problem.steps)
    for name, state in run.foreign_state().items():
        other = fresh(subject, problem)
        try:
            other.load(state)
        except Exception:  # however it says no
            refused = True
        else:
            refused = False
        yield true(refused, f"{name}: loaded without a word")
