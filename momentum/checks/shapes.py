"""Shapes and sizes: the rule sees numbers one by one, however they are arranged."""

from momentum.checks import _given as given
from momentum.checks._check import Found, Problem, Setting, Trial, check
from momentum.checks._repeated import repeated

ARRANGED = (
    *((12,), (12, 1), (1, 12), (1, 12, 1), (3, 4), (1, 1, 12), (2, 3, 2), (12, 1, 1)),
    *((2, 1, 3, 2), (1, 12, 1, 1), (2, 3, 1, 2, 1), (1, 1, 1, 1, 12), (2, 1, 3, 1, 2, 1)),
)
"""Twelve numbers in one to six axes."""

EVERY, SOME = 130, 18
"""Below this size each one is tried: all remainders of two vectors of 64 bytes of one byte; and of
two of eight numbers, where every size is compiled anew."""

LONG = 2**16 + 1
LONG_AXES = ((LONG, 2), (2, LONG), (LONG, 1, 2), (1, LONG, 2))
"""One axis, each in turn, is longer than 16 bits count."""


def all_on(setting: Setting, size: int, steps: int = 4) -> list[Problem]:
    """Everything on, decay too, and changing; plain and with Nesterov's form."""
    return given.moving(setting, [*[{}] * (steps - 1), given.LATER], [(size,)])


@check(
    statement="A path does not change when parameter and gradient are reshaped.",
    source="law; the formula has no shape. Decay that spares vectors is a choice of groups",
    catches="""vectors_not_decayed first_axis_of_one_dropped velocity_per_column
        first_slice_for_six_axes""",
    always=lambda s: all_on(s, 12),
)
def reshaping_changes_nothing(trial: Trial) -> Found:
    yield from repeated(trial, ARRANGED)


def sizes(largest: int, compiles: bool = False) -> list[int]:
    """Every small size; one below, at and above each multiple of a block up to the largest, and
    what is left over of eight by turns.

    Blocks: a vector's width times powers of two, and three, five, seven and 125 of them.
    What takes only small parameters, or compiles anew for each shape, gets a few.
    """
    if compiles and largest >= 2**16:
        around = {b + d for n in range(5, 40) if (b := 1 << n) < largest for d in (-1, 0, 1)}
        return sorted({*range(1, SOME), *around, largest - 1, largest})
    if largest < 2**16:
        return sorted(b + d for b in (256, 1024, 4096) for d in (-1, 0, 1) if b + d <= largest)
    blocks = [k << n for k in (1, 3) for n in range(7, 40) if k << n <= largest]
    blocks += [k << n for k in (5, 7, 125) for n in range(14) if EVERY <= k << n <= 2**14]
    around = {b + d for i, b in enumerate(blocks) for d in (-1, 0, 1, 7, 2 + i % 5)}
    return sorted({n for n in {*range(1, EVERY), *around, largest - 1} if 0 < n <= largest})


@check(
    statement="Numbers go the same way in a parameter of every size, up to its last element.",
    source="law; kernels treat what is left over of a vector, an unrolled loop or a block apart",
    catches="tail_of_long_block_skipped skipped_vector_remainder last_element_skipped",
    always=lambda s: all_on(s, 97, steps=2)[:1],
)
def agrees_at_every_size(trial: Trial) -> Found:
    facts = trial.subject.facts
    shapes = [(n,) for n in sizes(facts.largest, facts.compiles)]
    yield from repeated(trial, shapes)


@check(
    statement="Numbers go the same way in many rows, columns or slices, wherever they stand.",
    source="law; kernels walk a matrix in tiles; CUDA's grid has 65535 blocks in its y and z",
    catches="rows_beyond_1024_skipped slices_beyond_65535_skipped",
    always=lambda s: all_on(s, 89, steps=2)[:1],
)
def agrees_in_long_and_wide_matrices(trial: Trial) -> Found:
    large = trial.subject.facts.largest >= 2**16
    sides = (33, 129, 1025, 2049) if large else (1025,)
    shapes = [shape for n in sides for shape in ((n, 3), (3, n), (n, 1), (1, n))]
    square = [(n, n) for n in ((31, 33, 65, 129) if large else (33,))]
    fitting = [
        s for s in (*shapes, *square, *LONG_AXES) if s[0] * s[1] <= trial.subject.facts.largest
    ]
    yield from repeated(trial, fitting)
