"""Whose memory is whose: gradients, parameters and the caller's dicts."""

from collections.abc import Sequence

from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, advice, check, same, true
from momentum.checks._given import Problems, Setting, problems
from momentum.checks._runs import every_form, forms, goes_on, stepped, walked
from momentum.subjects.drive import Fed, plainly, steps
from momentum.subjects.offers import FullRun
from momentum.subjects.protocol import Array, Gradient


def with_a_gap(setting: Setting) -> Problems:
    """The same; in two groups; and with a gradient that is missing once, after the first."""
    yield from every_form(setting)
    if setting.facts.groups:
        yield from two_groups(setting)
    if setting.facts.none_gradients:
        yield given.run(setting, forms(setting)[-1:] * 3, missing=[(1, 0)])


def four_steps(setting: Setting) -> Problems:
    """Four steps in each form."""
    return [given.run(setting, [row] * 4) for row in forms(setting)]


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
    statement="A step along the gradients of the last one, the same objects, is a step.",
    source="law; torch.optim.Optimizer.step reads the gradients that there are, whoever put them",
    catches="same_gradient_object_skipped same_gradient_memory_skipped",
    needs=("again", "fed"),
    always=four_steps,
)
def untouched_gradients_count_again(trial: Trial) -> Found:
    run, problem = trial.begin(), trial.problem

    def gradients(t: int, here: Sequence[Array]) -> Sequence[Gradient]:
        return run.fed() if t % 2 else problem.gradients(t, here)

    def step(run: FullRun, t: int, fed: Fed) -> None:
        run.again() if t % 2 else plainly(run, t, fed)

    yield from trial.judged(list(steps(run, problem.hypers, gradients, problem.start, step=step)))


@check(
    statement="Parameters that have one and the same object as their gradient each take its step.",
    source="law; a gradient is read, and belongs to no parameter",
    catches="one_gradient_steps_the_last_only gradient_overwritten_by_nesterov",
    needs=("one_gradient",),
    always=lambda s: [given.run(s, [row] * 3, ((7,),) * 3) for row in forms(s)],
)
def one_gradient_serves_several(trial: Trial) -> Found:
    run, problem = trial.begin(), trial.problem

    def gradients(t: int, here: Sequence[Array]) -> Sequence[Gradient]:
        return [problem.gradients(t, here)[0]] * len(problem.shapes)

    def step(run: FullRun, t: int, fed: Fed) -> None:
        assert fed[0] is not None, "the problem has all gradients"
        run.step_one(fed[0].copy())

    yield from trial.judged(list(steps(run, problem.hypers, gradients, problem.start, step=step)))


@check(
    statement="Gradients that come by name are told by it, in whatever order they come.",
    source="law; dicts of other orders are equal. A backward pass meets the last layer first",
    catches="named_gradients_taken_by_place",
    needs=("keyed",),
    always=lambda s: [given.run(s, [row] * 3, ((7,),) * 3) for row in forms(s)],
)
def named_gradients_come_in_any_order(trial: Trial) -> Found:
    order = range(len(trial.problem.shapes))[::-1]
    yield from stepped(trial, lambda run, t, fed: run.step_keyed(fed, order))


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
