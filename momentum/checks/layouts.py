"""Memory layouts: transposed, strided, channels-last and expanded tensors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from momentum.checks import _given
from momentum.checks._check import Found, agrees, check, same
from momentum.checks._runs import walked
from momentum.conventions import Convention
from momentum.subjects.drive import Observation, advance, begin
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import LAYOUTS, Subject

# One in three lies so in its gradient alone: a square one can be read in the wrong order.
SHAPES = (
    *((3, 5), (2, 3, 4), (2, 3, 2, 4), (17,), (16, 17), (2, 3, 2, 2, 3), (2, 3, 2, 2, 3)),
    *((4, 4), ()),
)
BETWEEN = 7.0


def every_layout(setting: Setting) -> Sequence[Problem]:
    """Three steps in each layout; gradients all alike for those that are expanded."""
    row = _given.hyper(setting, **_given.FULL)
    return [
        replace(
            _given.run(
                setting, [row] * 3, SHAPES, kind="constant" if n == "expanded" else "normal"
            ),
            options=(("layout", n),),
        )
        for n in LAYOUTS
    ]


def random_layouts(setting: Setting) -> st.SearchStrategy[Problem]:
    """Any layout, any hyper-parameters."""
    return st.sampled_from(LAYOUTS).flatmap(
        lambda name: problems(
            setting,
            steps=(2, 5),
            shapes=SHAPES,
            kinds=("constant", "impulse") if name == "expanded" else ("normal",),
            options=(("layout", name),),
        )
    )


@agrees(
    statement="Every iterate lies within its error bound whatever the memory layout.",
    source="torch.memory_format; NumPy reference, ndarray.strides",
    catches=(
        "transposed_in_memory_order expanded_gradient_summed first_row_for_all "
        "square_gradient_transposed only_leading_rows_updated"
    ),
    needs=("layouts",),
    random=random_layouts,
)
def agrees_in_every_layout(setting: Setting) -> Sequence[Problem]:
    """Three steps in each layout."""
    return every_layout(setting)


@check(
    statement="A state saved in one memory layout goes on in every other one.",
    source="law; a saved state is by element, and a model may be laid out anew when it is loaded",
    catches="loaded_in_memory_order",
    needs=("layouts", "resume"),
    always=lambda s: [p for p in every_layout(s) if dict(p.options)["layout"] != "expanded"],
)
def state_fits_every_layout(subject: Subject, convention: Convention, problem: Problem) -> Found:
    plain = replace(problem, options=(("layout", "contiguous"),))
    points = "point" in subject.facts.offers
    for saving, loading in ((plain, problem), (problem, plain)):
        run = begin(subject, saving)
        gone = list(advance(run, saving.cut(2), 0, saving.start, points))
        other = begin(subject, loading)
        other.load(run.save())
        gone += advance(other, loading, 2, gone[-1][1], points)
        fed, iterates = zip(*gone)
        for measured in judge(subject, Observation(problem, fed, iterates), convention):
            yield measured._replace(where=f"{measured.where}, saved after step 2")


@check(
    statement="The memory between the elements of a parameter or gradient is not touched.",
    source="law; it belongs to other parameters",
    catches="strided_written_densely",
    needs=("layouts",),
    always=lambda s: [p for p in every_layout(s) if dict(p.options)["layout"] == "strided"],
)
def leaves_memory_between_alone(
    subject: Subject, convention: Convention, problem: Problem
) -> Found:
    for t, run, *_ in walked(subject, problem):
        for i, rest in enumerate(run.surroundings()):
            where = f"step {t + 1}, memory between elements of array {i}"
            yield same(rest, np.full(rest.shape, BETWEEN), where, t + 1)
