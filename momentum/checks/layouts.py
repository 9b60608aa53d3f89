"""Memory layouts: offset, transposed, strided, channels-last and expanded tensors."""

import numpy as np
from hypothesis import strategies as st

from momentum.checks import _given as given
from momentum.checks._check import Found, Trial, agrees, check, same, worded
from momentum.checks._given import Drawn, Problems, Setting, problems
from momentum.checks._runs import walked
from momentum.subjects.layouts import GAP, SPREAD
from momentum.subjects.protocol import LAYOUTS

# One in three lies so in its gradient alone: a square one can be read in the wrong order.
SHAPES = (
    *((3, 5), (2, 3, 4), (2, 3, 2, 4), (17,), (16, 17), (2, 3, 2, 2, 3), (2, 3, 2, 2, 3)),
    *((4, 4), ()),
)


def allowed(setting: Setting) -> list[tuple[int, ...]]:
    """Those of the shapes that can be tried."""
    return [shape for shape in SHAPES if setting.allows(shape)]


def random_layouts(setting: Setting) -> Drawn:
    """Any layout, any hyper-parameters."""
    return st.sampled_from(LAYOUTS).flatmap(
        lambda name: problems(
            setting,
            steps=(2, 5),
            shapes=allowed(setting),
            kinds=("constant", "impulse") if name == "expanded" else ("normal",),
            options=(("layout", name),),
        )
    )


def laid_out(setting: Setting, **wanted: float) -> Problems:
    """Three steps in each layout; gradients all alike for those that are expanded."""
    rows = [given.hyper(setting, **wanted)] * 3
    for name in LAYOUTS:
        kind = "constant" if name == "expanded" else "normal"
        yield given.run(setting, rows, allowed(setting), kind=kind, options={"layout": name})


def all_on(setting: Setting) -> Problems:
    """Everything on, in layouts that a state can have."""
    return [p for p in laid_out(setting, **given.FULL) if dict(p.options)["layout"] != "expanded"]


@agrees(
    statement="Every iterate lies within its error bound whatever the memory layout.",
    source="torch.memory_format; NumPy reference, ndarray.strides",
    catches="""transposed_in_memory_order expanded_gradient_summed first_row_for_all
        square_gradient_transposed only_leading_rows_updated velocity_laid_out_as_gradient
        unaligned_head_skipped""",
    needs=("layouts",),
    errors_fail=True,
    random=random_layouts,
)
def agrees_in_every_layout(setting: Setting) -> Problems:
    """Everything on; momentum alone, where the velocity is made of the gradient as it lies."""
    return [*laid_out(setting, **given.FULL), *laid_out(setting, lr=0.3, momentum=0.8, nu=0.6)]


@check(
    statement="A state saved in one memory layout goes on in every other one.",
    source="law; a saved state is by element, and a model may be laid out anew when it is loaded",
    catches="loaded_in_memory_order",
    needs=("layouts", "resume"),
    always=all_on,
)
def state_fits_every_layout(trial: Trial) -> Found:
    plain = trial.on(options=(("layout", "contiguous"),))
    for saving, loading in ((plain, trial), (trial, plain)):
        run, gone = saving.until(2)
        other = loading.begin()
        other.load(run.save())
        gone += loading.onward(other, gone)
        yield from worded(trial.judged(gone), after=", saved after step 2")


@check(
    statement="The memory around and between the elements of parameters and gradients stays.",
    source="law; it belongs to other parameters",
    catches="strided_written_densely tail_written_past_the_end",
    needs=("layouts",),
    always=lambda s: [p for p in all_on(s) if dict(p.options)["layout"] in SPREAD],
)
def leaves_memory_between_alone(trial: Trial) -> Found:
    for t, run, *_ in walked(trial):
        for i, rest in enumerate(run.surroundings()):
            where = f"step {t + 1}, memory around and between elements of array {i}"
            yield same(rest, np.full(rest.shape, GAP), where, t + 1)
