"""What a run must not touch: settings of the whole process, and runs in other threads."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Step, Trial, check, true
from momentum.checks._lockstep import lockstep
from momentum.checks._paths import feed_of
from momentum.checks._runs import compared, every_form, forms, stepped, walked
from momentum.subjects.drive import Fed, plainly
from momentum.subjects.offers import FullRun
from momentum.subjects.random_states import stir
from momentum.subjects.settings import surroundings_kept

Settings = Mapping[str, object]


def with_empty_steps(setting: Setting) -> Problems:
    """Three steps in each form, of which the second has no gradient, where that may be."""
    gaps = [(1, 0), (1, 1)] if setting.facts.none_gradients else []
    return [given.run(setting, [row] * 3, missing=gaps) for row in forms(setting)]


@check(
    statement="Nothing is set for the whole process or thread, by no step and no constructor.",
    source="law; the program around has its own settings: torch.set_grad_enabled, numpy.seterr",
    catches="""decimals_left_short error_handling_left_off error_handling_left_usual
        random_numbers_drawn variable_left_set warnings_off_for_good""",
    needs=("settings",),
    always=with_empty_steps,
)
def leaves_the_process_alone(trial: Trial) -> Found:
    found = list(_watched(trial))
    # What the first step of all loads may set what it likes.
    yield from _watched(trial) if any(m.error for m in found) else found


def _watched(trial: Trial) -> Found:
    stir()
    still = trial.begin()
    still.restore()
    before: Settings = still.settings()
    seen: list[Settings] = []

    def looked_at(run: FullRun, t: int, fed: Fed) -> None:
        plainly(run, t, fed)
        seen.append(run.settings())

    try:
        with surroundings_kept():
            run = trial.begin()
            yield from _unchanged(before, run.settings(), "the constructor", 0)
            for t, *_ in walked(trial, looked_at, run=run):
                empty = (t, 0) in trial.problem.missing
                name = "a step without gradients" if empty else "a step"
                yield from _unchanged(before, seen[t], name, t + 1)
            found = trial.begin().unusual_step(feed_of(trial.problem).gradients[0])
            yield from _unchanged(*found, "a step where it is set otherwise", 1)
    finally:
        still.restore()


def _unchanged(before: Settings, after: Settings, who: str, step: int) -> Found:
    for name, old in before.items():
        new = after[name]
        if isinstance(old, dict) and isinstance(new, dict):
            other = [k for k in {**old, **new} if old.get(k) != new.get(k)]
            old, new = ({k: one.get(k) for k in other} for one in (old, new))
        short = "" if len(f"{old}{new}") > 60 else f": {old} before, {new} after"
        yield true(old == new, f"{who} changed the {name}{short}", step)


@check(
    statement="A run goes on in another thread as it does in its own.",
    source="law; a program may start its training in one thread and go on with it in another",
    catches="velocity_kept_by_thread",
    needs=("another_thread",),
    always=every_form,
)
def run_may_change_threads(trial: Trial) -> Found:
    def by_turns(run: FullRun, t: int, fed: Fed) -> None:
        if not t % 2:
            return plainly(run, t, fed)
        with ThreadPoolExecutor(1) as other:
            return other.submit(plainly, run, t, fed).result()

    yield from stepped(trial, by_turns)


@check(
    statement="Runs that are stepped in two threads at once go as each does alone.",
    source="law; two optimizers share no scratch memory. The threads take turns line by line",
    catches="scratch_shared_by_all_runs settings_shared_by_all_runs",
    needs=("threads",),
    always=lambda s: [given.run(s, [row] * 2, ((7,), (7,))) for row in forms(s)],
)
def runs_in_threads_are_independent(trial: Trial) -> Found:
    rows, domain = trial.problem.hypers, trial.subject.facts.domain
    other = domain.combined({**rows[0][0]._asdict(), "lr": 0.2})
    pair = trial, trial.on(seed=trial.problem.seed + 1, hypers=((other,),) * len(rows))
    alone = [one.whole() for one in pair]
    gone: list[list[Step]] = [[], []]
    steps = [one.onward(one.begin()) for one in pair]
    lockstep(*(partial(seen.extend, going) for seen, going in zip(gone, steps)))
    for name, got, wanted in zip(("first", "second"), gone, alone):
        yield from compared(f"{name} of two threads", got, wanted, trial.problem, 0)
