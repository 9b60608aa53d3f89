"""Whose memory is whose: gradients, parameters and the caller's dicts."""

from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, advice, check, same, true
from momentum.checks._given import Problems, Setting, problems
from momentum.checks._runs import every_form, forms, goes_on, stepped, walked
from momentum.subjects.drive import Fed
from momentum.subjects.offers import FullRun


def with_a_gap(setting: Setting) -> Problems:
    """The same; in two groups; and with a gradient that is missing once, after the first."""
    yield from every_form(setting)
    if setting.facts.groups:
        yield from two_groups(setting)
    if setting.facts.none_gradients:
        yield given.run(setting, forms(setting)[-1:] * 3, missing=[(1, 0)])


@check(
    statement="A step leaves the gradients as they were.",
    source="pytorch/pytorch#12218",
    catches="""gradient_decayed_in_place gradient_negated_in_place gradient_scaled_in_place
        gradient_overwritten_by_nesterov gradient_cleared gradient_cleared_in_later_groups""",
    needs=("fed",),
    always=with_a_gap,
    random=problems,
)
def leaves_gradients_alone(trial: Trial) -> Found:
    for t, run, fed, _ in walked(trial):
        for i, (after, before) in enumerate(zip(run.fed(), fed)):
            where = f"step {t + 1}, gradient of parameter {i}"
            if after is None or before is None:
                yield true(after is before, f"{where} is {after}, was {before}", t + 1)
            else:
                yield same(after, before, where, t + 1)


@check(
    statement="What happens to a gradient's memory after the step has no influence.",
    source="law; training loops clear gradients in place: torch.optim.Optimizer.zero_grad",
    catches="velocity_is_gradient",
    needs=("overwrite",),
    every_dtype=True,
    always=every_form,
    random=lambda s: problems(s, steps=(2, 8), with_=("momentum",)),
)
def keeps_no_hold_on_gradients(trial: Trial) -> Found:
    def spoiling(run: FullRun, t: int, fed: Fed) -> None:
        run.step(fed)
        run.overwrite_fed()

    path = list(trial.onward(trial.begin(), step=spoiling))
    yield from goes_on("gradients overwritten with nan", trial, path, trial.whole())


@check(
    statement="What was never written is never read.",
    source="law; torch.utils.deterministic.fill_uninitialized_memory. 0 times nan is nan",
    catches="velocity_of_unwritten_memory",
    needs=("unwritten",),
    always=every_form,
)
def reads_what_was_written(trial: Trial) -> Found:
    yield from stepped(trial, lambda run, t, fed: run.unwritten_step(fed))


@check(
    statement="Gradients written into the memory of the last ones are new gradients.",
    source="torch.optim.Optimizer.zero_grad(set_to_none=False): backward passes add in place",
    catches="same_gradient_memory_skipped gradient_read_once",
    needs=("refill",),
    always=every_form,
)
def refilled_gradients_count(trial: Trial) -> Found:
    yield from stepped(trial, lambda run, t, fed: run.refill(fed))


@check(
    statement="Parameters stay in the memory that they were given in.",
    source="law; modules, views and other optimizers hold on to that memory",
    catches="parameter_replaced",
    needs=("storage",),
    always=every_form,
)
def keeps_parameter_memory(trial: Trial) -> Found:
    run = trial.begin()
    before = run.storage()
    for t, *_ in walked(trial, run=run):
        for i, (got, wanted) in enumerate(zip(run.storage(), before)):
            yield true(got == wanted, f"step {t + 1}, parameter {i} has moved in memory", t + 1)


def two_groups(setting: Setting) -> Problems:
    """A step with two groups."""
    first = given.hyper(setting, **given.FULL)
    row = (first, first._replace(lr=0.2) if given.free(setting, "lr") else first)
    return [given.run(setting, [row], groups=(0, 1))]


@advice(
    statement="The dicts that a caller made groups from stay as they are.",
    source="pytorch/pytorch#51794",
    catches="caller_dict_changed",
    needs=("shared_dicts", "groups"),
    always=two_groups,
)
def leaves_callers_dicts_alone(trial: Trial) -> Found:
    run = trial.begin()
    run.step(trial.problem.gradients(0, trial.problem.start))
    before, after = run.caller_dicts()
    yield true(bool(before), "no dict is shown")
    for g, (old, new) in enumerate(zip(before, after)):
        names = sorted(n for n in {*old, *new} if n not in new or n not in old or old[n] != new[n])
        yield true(not names, f"dict of group {g}: {', '.join(names)} changed", 1)
