"""The ways that an implementation takes through its own code: each is judged by the oracle.

Two paths need not agree bit for bit, for they may round differently (a fused multiply-add here, the
tail of a vector there); that both lie within the bound says all that can be asked.
"""

import time
from collections.abc import Sequence

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check
from momentum.checks._paths import in_formats
from momentum.checks._repeated import repeated
from momentum.subjects.problems.strategies import MATRICES, SIZES
from momentum.subjects.protocol import Array, Gradient

MANY = 130
"""Parameters in a run: more than the 110 that one launch of a multi-tensor kernel takes."""

FULL_LAUNCHES = (30, 32, 36, 48, 64, 110, 128)
"""Parameters that fill a launch to the last: of kernels with one to five lists, and powers of 2."""

VERY_MANY = 1030
"""More than any list that kernels or buffers are made for, where small steps cost little."""


@agrees(
    statement="Every iterate lies within its error bound where there are very many parameters.",
    source="NVIDIA/apex, csrc/multi_tensor_apply.cuh: depth_to_max_tensors",
    catches="""first_step_for_first_parameter_only velocity_shared_by_shape
        velocity_by_position_among_fed velocity_overlaps_neighbour scalar_crashes
        scalar_becomes_vector empty_crashes parameters_beyond_512_dropped
        last_of_full_launch_stands velocities_sorted_by_name""",
)
def agrees_on_many_parameters(setting: Setting) -> Problems:
    """Steps of very many small parameters, every seventh of them without a gradient once.

    Of as many of one shape as fill a launch too, all of them with gradients.
    """
    pool = [s for s in (*SIZES[:8], *MATRICES) if setting.allows(s)]
    longest = [(VERY_MANY, 2)] if setting.facts.largest >= 2**16 else []
    for count, steps in ((MANY, 3), *longest):
        shapes = [pool[i % len(pool)] for i in range(count)]
        gaps = [(1, i) for i in range(0, count, 7)] if setting.facts.none_gradients else []
        row = given.hyper(setting, **given.FULL)
        yield given.run(setting, [row] * steps, shapes, missing=gaps)
    for count in FULL_LAUNCHES if setting.facts.largest >= 2**16 else FULL_LAUNCHES[:1]:
        yield given.run(setting, [row] * 2, [(2,)] * count)


LARGE = ((2 * 2**16 + 17,), (5, 4105), (4105, 5))
"""More elements than two chunks of a multi-tensor kernel have; more columns, rows than 2^12."""

HUGE = ((2**21 + 17,),)
"""More blocks of 32 than 16 bits count."""

SOON = 1.0
"""Seconds of the processor for LARGE in which HUGE is worth while: loops in Python take long."""


def one_period(setting: Setting) -> Problems:
    """The few numbers that large parameters repeat; their count divides no power of two."""
    row = given.hyper(setting, **given.FULL)
    big = all(setting.allows(shape) for shape in LARGE)
    return [given.run(setting, [row] * 3, [(97,)])] if big else []


@check(
    statement="Numbers repeated all over a large parameter go the same way at every place in it.",
    source="NVIDIA/apex, csrc/multi_tensor_apply.cuh: chunks; coordinates do not meet in the rule",
    catches="no_momentum_beyond_65536 elements_beyond_4096_skipped blocks_beyond_16_bits_skipped",
    always=one_period,
)
def agrees_in_large_parameters(trial: Trial) -> Found:
    began = time.process_time()
    yield from repeated(trial, LARGE)
    if time.process_time() - began < SOON:
        yield from repeated(trial.on(hypers=trial.problem.hypers[:2]), HUGE)


def four_parameters(setting: Setting) -> Problems:
    """Four steps of eight parameters, everything on and changing."""
    first = given.hyper(setting, **given.FULL)
    then = given.changed(setting, first, lr=0.2, momentum=0.7)
    shapes = ((7,), (7,), (17,), (3, 5)) * 2
    return [given.run(setting, [first, first, then, then], shapes)]


@check(
    statement="Parameters of several formats in one group are each right in their own.",
    source="huggingface/pytorch-image-models#2750",
    catches="decay_once_per_dtype half_velocity_cleared_on_set",
    needs=("mixed_dtypes",),
    always=four_parameters,
)
def agrees_in_mixed_formats(trial: Trial) -> Found:
    problem = trial.problem
    claimed = trial.subject.facts.dtypes
    names = [claimed[i % len(claimed)] for i in range(len(problem.shapes))]
    start = _rounded(problem.start, names)
    fed = [_rounded(problem.gradients(t, start), names) for t in range(problem.steps)]
    yield from in_formats(trial, names, start, fed)


def _rounded(arrays: Sequence[Gradient], names: Sequence[str]) -> list[Array]:
    return [format_of(name).round(x) for x, name in zip(arrays, names) if x is not None]
