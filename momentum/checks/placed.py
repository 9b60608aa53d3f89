"""Parameters whose numbers, memory or format are changed beside the optimizer."""

from itertools import permutations, product

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, advice, check, worded
from momentum.checks._paths import bounds, feed_of, near, path
from momentum.checks._runs import stepped
from momentum.subjects.drive import Fed, plainly, steps
from momentum.subjects.offers import FullRun
from momentum.subjects.strangers import in_words


def changing(setting: Setting) -> Problems:
    """Four steps, everything on and changing, plain and with Nesterov's form."""
    shapes = ((7,), (7,), (17,), (3, 5))
    return given.moving(setting, [{}, {}, given.LATER, given.LATER], shapes)


@check(
    statement="A step starts from where the parameter is, whoever put it there.",
    source="law; torch.optim.swa_utils, and every loader of checkpoints, write into parameters",
    catches="master_undoes_placing master_follows_from_afar",
    needs=("place", "velocity"),
    every_dtype=True,
    always=changing,
)
def agrees_from_where_it_is_put(trial: Trial) -> Found:
    # No nearer to 0 than it was: digits kept beside the old value (a compensated sum) still lie
    # within the one rounding by which the start is in doubt.
    format = format_of(trial.problem.dtype)
    ways = {"elsewhere": -1.0, "a little further": 1.0625}
    for stop, (name, factor) in product(range(1, trial.problem.steps), ways.items()):
        run, gone = trial.until(stop)
        there = [format.round(factor * x) for x in gone[-1][1]]
        run.place([x.copy() for x in there])
        gone[-1] = gone[-1][0], tuple(there)
        gone += trial.onward(run, gone)
        for measured in worded(trial.judged(gone), after=f", put {name} after step {stop}"):
            if measured.how == "step" and measured.step > stop:
                yield measured


@check(
    statement="A step writes where the parameter points now, not where it pointed once.",
    source="torch.nn.utils.vector_to_parameters; torch.nn.Module.to: param.data = fn(param.data)",
    catches="writes_into_first_memory reads_from_first_memory",
    needs=("rebind",),
    always=changing,
)
def writes_where_the_parameter_points(trial: Trial) -> Found:
    for how in ("each", "together"):

        def rebinding(run: FullRun, t: int, fed: Fed, how: str = how) -> None:
            run.rebind(how)
            plainly(run, t, fed)

        after = f", memory changed before every step, {how}"
        yield from worded(stepped(trial, rebinding), after=after)


@advice(
    statement="A step moves the parameters that its groups hold now, not those of the constructor.",
    source="accelerate, AcceleratedOptimizer._switch_parameters; torch.optim: param_groups",
    catches="list_of_parameters_kept",
    needs=("regroup",),
    always=changing,
)
def moves_what_its_groups_hold(trial: Trial) -> Found:
    run = trial.begin()
    run.regroup()
    yield from worded(
        trial.judged(list(trial.onward(run))), after=", other parameters in its groups"
    )


@check(
    statement="Parameters turned into another format before the first step move in that format.",
    source="torch.nn.Module.double, .half: the optimizer may have been made before",
    catches="format_of_the_start_kept",
    needs=("recast",),
    always=changing,
)
def agrees_after_a_change_of_format(trial: Trial) -> Found:
    by_digits = sorted(trial.subject.facts.dtypes, key=lambda n: format_of(n).precision)
    for dtype in by_digits[::-1]:
        if dtype != trial.problem.dtype:
            run, cast = trial.begin(), trial.on(dtype=dtype)
            run.recast(dtype)
            # The start has the digits of the narrower format, the gradients all of the new one's.
            start = [format_of(dtype).round(x) for x in trial.problem.start]
            vars(cast.problem)["start"] = start  # what is cached there is drawn anew
            after = f", {trial.problem.dtype} turned into {dtype}"
            yield from worded(cast.judged(list(cast.onward(run))), after=after)


def widened(trial: Trial) -> list[tuple[Trial, str]]:
    """From the problem's format to those that hold all its numbers; else to it from such a one."""
    own = trial.problem.dtype
    pairs = [
        (narrow, wide)
        for narrow, wide in permutations(trial.subject.facts.dtypes, 2)
        if format_of(narrow).precision < format_of(wide).precision
        and format_of(narrow).emax <= format_of(wide).emax
    ]
    found = [pair for pair in pairs if pair[0] == own] or [pair for pair in pairs if pair[1] == own]
    return [(trial.on(dtype=narrow), wide) for narrow, wide in found]


def refuses_in_a_run(trial: Trial) -> str | None:
    """Whatever is raised will do: nobody goes on unawares."""
    for narrow, wide in widened(trial)[:1]:
        run, fed = narrow.begin(), feed_of(narrow.problem).gradients
        try:
            run.step(fed[0])
            run.recast(wide)
            run.step(fed[1])
        except Exception as error:
            return f"refuses another format in a run: {in_words(error)}"
        return None
    return "no claimed format holds another"


@check(
    statement="Parameters turned into a wider format in a run go on with their velocity.",
    source="law; torch.nn.Module.double: the state is the optimizer's, and stays",
    catches="velocity_restarts_in_another_format",
    needs=("recast",),
    always=changing,
    applies=refuses_in_a_run,
)
def velocity_survives_a_change_of_format(trial: Trial) -> Found:
    for narrow, wide in widened(trial):
        after = f", {narrow.problem.dtype} turned into {wide} after step 1"
        yield from worded(_on_in(wide, narrow), after=after)


def _on_in(wide: str, trial: Trial) -> Found:
    """A run whose second step is in another format, against the one in the problem's alone."""
    feed = feed_of(trial.problem)

    def recasting(run: FullRun, t: int, fed: Fed) -> None:
        if t == 1:
            run.recast(wide)
        plainly(run, t, fed)

    cast = trial.on(dtype=wide).problem
    gone = steps(
        trial.begin(), feed.hypers, lambda t, _: feed.gradients[t], problem=cast, step=recasting
    )
    got = [here for _, here in gone]
    yield from near(got, path(trial, feed), bounds(trial, feed), trial.problem)
