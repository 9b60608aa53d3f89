"""Parameters beside one another: which of them have gradients, their order, formats and names."""

from dataclasses import replace
from itertools import combinations

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check
from momentum.checks._paths import in_formats

FOUR = ((5,),) * 4
LAW = "law; the formula of one parameter holds no other one"


@agrees(
    errors_fail=True,
    statement="Whichever of equal parameters have gradients, each path is that of the one alone.",
    source=LAW,
    catches="velocity_by_position_among_fed velocities_stacked_by_shape",
    needs=("none_gradients",),
)
def subsets_with_gradients_agree(setting: Setting) -> Problems:
    """Of four equal parameters each two, then each three have gradients; in two groups too."""
    fed = [*combinations(range(4), 2), *combinations(range(4), 3), (0,), (3,), tuple(range(4))]
    rows = [tuple(range(4)), *fed]
    gaps = [(t, i) for t, row in enumerate(rows) for i in range(4) if i not in row]
    late = [(t, i) for t, row in enumerate(fed) for i in range(4) if i not in row]
    for w in given.BOTH:
        h = given.hyper(setting, **w)
        yield given.run(setting, [h] * len(rows), FOUR, missing=gaps)
        yield given.run(setting, [h] * len(fed), FOUR, missing=late)
        if setting.facts.groups:
            pair = h, given.revised(setting, h, lr=0.2)
            yield given.run(setting, [pair] * len(rows), FOUR, groups=(0, 1, 0, 1), missing=gaps)


@agrees(
    statement="Parameters that begin with equal values each follow their own gradients.",
    source=LAW,
    catches="velocity_shared_by_value",
)
def equal_parameters_keep_apart(setting: Setting) -> Problems:
    """All from zero, of equal shapes."""
    return given.steady(setting, given.BOTH, 4, ((5,), (5,), (1,), (5,), (1,)), kind="from_zero")


ROW: tuple[tuple[int, ...], ...] = ((5,), (2, 3), (1,), (17,), (5,), (3, 2), (130,))


@agrees(
    statement="A path does not depend on the order in which the parameters are given.",
    source=LAW,
    catches="scratch_as_long_as_the_first first_step_for_first_parameter_only",
)
def order_of_parameters_is_free(setting: Setting) -> Problems:
    """Parameters of growing, falling and mixed size, each kind first and last once."""
    h = given.hyper(setting, **given.FULL)
    rotated = [ROW[k:] + ROW[:k] for k in range(len(ROW))]
    rows = [*rotated, ROW[::-1], sorted(ROW), sorted(ROW, reverse=True)]
    return [given.run(setting, [h] * 3, shapes) for shapes in rows]


@check(
    statement="A path does not depend on the formats of its neighbours, narrow ones first or last.",
    source=LAW,
    catches="one_format_for_the_group scratch_in_first_format",
    needs=("mixed_dtypes",),
    always=lambda s: given.moving(s, [{}, {}, given.LATER], ((7,), (7,), (3, 5), (17,))),
)
def formats_of_neighbours_do_not_matter(trial: Trial) -> Found:
    problem = trial.problem
    claimed = sorted(trial.subject.facts.dtypes, key=lambda n: format_of(n).precision)
    count = len(problem.shapes)
    for order in (claimed, claimed[::-1], claimed[1:] + claimed[:1]):
        names = [order[i % len(order)] for i in range(count)]
        # Start and gradients have all the digits that each format holds.
        drawn = [replace(problem, dtype=name) for name in names]
        start = [p.start[i] for i, p in enumerate(drawn)]
        fed = [
            [p.gradients(t, p.start)[i] for i, p in enumerate(drawn)] for t in range(problem.steps)
        ]
        yield from in_formats(trial, names, start, fed)
