"""What an optimizer must refuse, and what it must not."""

from collections.abc import Sequence

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, Problem, Problems, Setting, Trial, advice, check, true
from momentum.conventions import Hyper
from momentum.conventions.hyper import COMMON
from momentum.subjects.protocol import Subject
from momentum.subjects.refusals import Refusals


def ordinary(setting: Setting) -> Problems:
    """Two steps with everything on."""
    return given.steady(setting, [given.FULL], 2)


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


def _must_refuse(trial: Trial, rows: Sequence[Hyper], what: str) -> Found:
    refusal = _refusal(trial.subject, rows, trial.problem)
    got = "accepted" if refusal is None else f"refused by {refusal}, wanted ValueError"
    yield true(refusal == "refused", f"{what} is {got}")


def _each_bad(trial: Trial, values: Sequence[float], names: Sequence[str]) -> Found:
    good = trial.problem.hypers[0][0]
    for name in names:
        if name in trial.subject.facts.domain.free:
            for value in values:
                bad = good.having(**{name: value})
                yield from _must_refuse(trial, [bad], f"{name} = {value}")


@advice(
    statement="A negative learning rate, momentum or weight decay is refused with ValueError.",
    source="pytorch/pytorch#6000; tinygrad/tinygrad#15576",
    catches="""negative_lr_accepted negative_momentum_accepted negative_decay_accepted
        validates_at_first_step validates_by_clamping refuses_by_assertion""",
    needs=("validates",),
    always=ordinary,
)
def refuses_negative_numbers(trial: Trial) -> Found:
    yield from _each_bad(trial, (-0.125,), ("lr", "momentum", "weight_decay"))


@advice(
    statement="A hyper-parameter that is nan or infinite is refused with ValueError.",
    source="law; every parameter is nan after one step with it",
    catches="nan_lr_accepted nan_momentum_accepted infinite_lr_accepted",
    needs=("validates",),
    always=ordinary,
)
def refuses_numbers_that_are_not_finite(trial: Trial) -> Found:
    yield from _each_bad(trial, (np.nan, np.inf), COMMON)


@advice(
    statement="Bad hyper-parameters of a later group are refused too, at the start and when it"
    " joins.",
    source="law; torch.optim.SGD looks at its defaults only",
    catches="validates_first_group_only late_group_not_validated",
    needs=("validates", "groups"),
    always=ordinary,
)
def refuses_them_in_every_group(trial: Trial) -> Found:
    good = trial.problem.hypers[0][0]
    free = trial.subject.facts.domain.free
    bad = [good.having(**{n: -0.125}) for n in ("lr", "momentum") if n in free]
    for h in bad:
        yield from _must_refuse(trial, [good, h], "a negative one in the second group")
        if "late_groups" in trial.subject.facts.offers:
            run, _ = trial.until(1)
            try:
                run.add_group([np.zeros(3)], h)
            except ValueError:
                continue
            yield true(False, "a negative one in a group that joins late is accepted")


@advice(
    statement="A learning rate, momentum or weight decay of 0 is accepted.",
    source="Goyal et al. 2017, section 2.2: warmup starts from a learning rate of 0",
    catches="refuses_zero_lr",
    needs=("validates",),
    always=ordinary,
)
def accepts_zero(trial: Trial) -> Found:
    domain = trial.subject.facts.domain
    plain = {**trial.problem.hypers[0][0]._asdict(), "nesterov": False}
    usual = _refusal(trial.subject, [domain.combined(plain)], trial.problem)
    for name in sorted(domain.free.intersection(COMMON)):
        zero = domain.combined({**plain, name: 0.0})
        if getattr(zero, name) == 0:
            refusal = _refusal(trial.subject, [zero], trial.problem)
            if refusal is None or usual is None:  # else something else than the 0 is refused
                yield true(refusal is None, f"{name} = 0 is refused")


def usual(setting: Setting) -> Problems:
    """A rate and a momentum that everyone uses, alone; as far as they can be chosen."""
    wanted: tuple[dict[str, float], ...] = ({"lr": 0.1}, {"lr": 0.01, "momentum": 0.9})
    rows = dict.fromkeys(given.hyper(setting, **w) for w in wanted)
    return [given.run(setting, [h] * 2) for h in rows]


@check(
    statement="The usual rates and momenta are accepted, alone.",
    source="Sutskever, Martens, Dahl, Hinton 2013, section 3: momenta up to 0.999",
    catches="refuses_usual_momentum",
    always=usual,
)
def accepts_usual_values(trial: Trial) -> Found:
    h = trial.problem.hypers[0][0]
    refusal = Refusals(trial.subject).of(h, trial.problem.dtype)
    yield true(refusal is None, refusal or "")


def _takes_both(trial: Trial) -> str | None:
    both = trial.subject.facts.domain.together
    return "takes Nesterov's form with dampening" if both else None


@advice(
    statement="Nesterov's form is refused with dampening, where it has no meaning for the subject.",
    source="pytorch/pytorch#887",
    catches="nesterov_with_dampening_accepted",
    needs=("validates", "hyper:nesterov", "hyper:dampening", "hyper:momentum"),
    always=ordinary,
    applies=_takes_both,
)
def nesterov_refuses_dampening(trial: Trial) -> Found:
    dampening = trial.subject.facts.domain.fixed.get("dampening", 0.35)
    both = trial.problem.hypers[0][0]._replace(nesterov=True, dampening=dampening)
    yield from _must_refuse(trial, [both], "nesterov with dampening")


@advice(
    statement="A saved state that does not fit is refused when it is loaded.",
    source="pytorch/pytorch#7499; pytorch/pytorch#1489",
    catches="foreign_state_accepted wrong_shape_accepted",
    needs=("foreign_state", "resume"),
    always=ordinary,
)
def refuses_foreign_state(trial: Trial) -> Found:
    run, _ = trial.until(trial.problem.steps)
    for name, state in run.foreign_state().items():
        other = trial.fresh()
        try:
            other.load(state)
        except Exception:  # however it says no
            refused = True
        else:
            refused = False
        yield true(refused, f"{name}: loaded without a word")
