"""Gradients that are None, against gradients that are zero."""

from collections.abc import Sequence

from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, advice, agrees, check, same, those_of
from momentum.checks._given import Problems, Setting, problems
from momentum.checks._runs import stepped
from momentum.subjects.drive import Fed, plainly, steps
from momentum.subjects.offers import FullRun

SHAPES = ((5,), (5,), (2, 3))
TORCH = "torch.optim.Optimizer.zero_grad, set_to_none: None skips the step, 0 takes it"
Missing = Sequence[tuple[int, int]]


def _problems(setting: Setting, *patterns: Missing, steps: int = 5) -> Problems:
    """Each pattern of (step, parameter) with everything on, plain and with Nesterov's form."""
    for pattern in patterns:
        yield from given.steady(setting, given.BOTH, steps, SHAPES, missing=pattern)


@check(
    statement="A parameter without gradient does not move, not even by decay, bit for bit.",
    source=TORCH,
    catches="none_is_zero_gradient none_reuses_last_gradient decay_without_gradient",
    needs=("none_gradients",),
    always=those_of("no_gradient_keeps_the_velocity"),
)
def no_gradient_no_move(trial: Trial) -> Found:
    iterates = trial.observe().iterates
    for t, i in sorted(trial.problem.missing):
        before = trial.problem.start[i] if t == 0 else iterates[t - 1][i]
        yield same(iterates[t][i], before, f"step {t + 1}, parameter {i}", t + 1)


@agrees(
    statement="A step without gradient leaves the velocity as it was, for the steps after it.",
    source=TORCH,
    catches="""velocity_decays_on_none none_clears_velocity none_stops_the_loop
        none_skips_whole_step none_crashes velocity_by_position_among_fed""",
    needs=("none_gradients",),
    errors_fail=True,
    random=lambda s: problems(s, steps=(2, 5), missing=True, groups=2, shapes=((3,), (3,))),
)
def no_gradient_keeps_the_velocity(setting: Setting) -> Problems:
    """The first, a middle and the last parameter go without, for one step and for several."""
    return _problems(setting, [(1, 0), (2, 0), (2, 2), (3, 1)], [(2, 1)])


@agrees(
    statement="A parameter's first step is that of its own first gradient, however late.",
    source="fine-tuning with gradual unfreezing: Howard and Ruder 2018, section 3.3",
    catches="late_unfreezing_ignored first_step_by_common_counter missing_first_gradient_counts",
    needs=("none_gradients",),
    errors_fail=True,
)
def late_unfreezing_agrees(setting: Setting) -> Problems:
    """Parameters that get their first gradient at step 2 and 4, and one that never gets any."""
    frozen = [(0, 0), *((t, 1) for t in range(3))]
    return _problems(setting, frozen, [*frozen, *((t, 2) for t in range(6))], steps=6)


@check(
    statement="A step in which no parameter has a gradient is as if it had not been taken.",
    source=TORCH,
    catches="missing_first_gradient_counts velocity_decays_on_none none_is_zero_gradient",
    needs=("none_gradients",),
    errors_fail=True,
    # No parameter has a gradient at the first step, and at two in the middle.
    always=lambda s: _problems(s, [(t, i) for t in (0, 2, 3) for i in range(len(SHAPES))]),
)
def empty_step_is_no_step(trial: Trial) -> Found:
    gone = trial.whole()
    yield from trial.judged(gone)
    left = {t for t, _ in trial.problem.missing}
    kept = [t for t in range(trial.problem.steps) if t not in left]
    hypers = [trial.problem.hypers[t] for t in kept]
    again = steps(trial.begin(), hypers, lambda k, _: gone[kept[k]][0])
    for t, (_, here) in zip(kept, again):
        for i, x in enumerate(here):
            where = f"step {t + 1}, parameter {i}, without the empty steps"
            yield same(gone[t][1][i], x, where, t + 1)


def frozen(setting: Setting) -> Problems:
    """The first and the last parameter are frozen in mid-run, without gradients or with them."""
    return _problems(setting, [(1, 0), (2, 0), (3, 2)])


@check(
    statement="A parameter that is frozen rests, and goes on with its velocity when it is thawed.",
    source=f"{TORCH}; torch.Tensor.requires_grad_",
    catches="frozen_velocity_dropped none_reuses_last_gradient",
    needs=("freeze", "none_gradients"),
    errors_fail=True,
    always=frozen,
)
def frozen_parameters_rest(trial: Trial) -> Found:
    yield from _frozen(trial, trial)


@advice(
    statement="A gradient that is there counts, whether or not its parameter asks for one.",
    source="torch.optim.SGD: what has a gradient is stepped; torch.Tensor.requires_grad_",
    catches="frozen_gradient_skipped",
    needs=("freeze", "none_gradients"),
    always=frozen,
)
def gradients_of_the_frozen_count(trial: Trial) -> Found:
    yield from _frozen(trial, trial.on(missing=frozenset()))


def _frozen(trial: Trial, fed: Trial) -> Found:
    """A run whose parameters are frozen where the problem has no gradient. fed: with these."""

    def freezing(run: FullRun, t: int, gradients: Fed) -> None:
        for i in range(len(trial.problem.shapes)):
            run.freeze(i, (t, i) in trial.problem.missing)
        plainly(run, t, gradients)

    yield from stepped(fed, freezing)


@agrees(
    statement="A gradient of zero is a gradient: velocity and decay go on, element by element.",
    source=f"{TORCH}; microsoft/CNTK#2411, apache/mxnet#9177: lazy updates",
    catches="zero_gradient_is_none zero_elements_skipped zero_rows_skipped",
)
def zero_gradient_is_a_step(setting: Setting) -> Problems:
    """Gradients with every pattern of zeros, and whole ones of zeros."""
    yield from given.steady(setting, given.BOTH, 4, ((27,), (5,)), kind="ternary")
    yield from given.steady(setting, given.BOTH, 4, ((6, 5), (4, 3, 2)), kind="sliced")
    yield from given.steady(setting, given.BOTH, 4, SHAPES, kind="impulse")
