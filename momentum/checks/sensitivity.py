"""Problems on which nothing rounds: the smallest deviation counts.

Hyper-parameters, start and gradients have so few significant bits that every intermediate result
fits the format, multiplied out from the start of the run on, with GUARD bits to spare
(momentum.arithmetic.grid decides that, number by number). A right optimizer then returns the exact
iterate, whatever order it sums in, with and without fused multiply-add, in its own format or a
wider one. Rates, 1 - momentum and 1 - dampening are powers of two, so that a velocity kept in
other units, times or divided by one of them, has as few bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from momentum.arithmetic import Format, Grid, format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problem, Problems, Setting, Trial, check, same
from momentum.conventions import Convention, Hyper
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Array

SHAPE = (81,)
"""Every pattern of 0, 1 and -1 in a start and three gradients; longer than any vector."""

GUARD = 2
"""Bits that terms may take which cancel: v + (1 - momentum) (d - v) has three for each of v."""

_FINE: dict[str, tuple[float, ...]] = {
    "lr": (0.5, 0.25, 0.125),
    "momentum": (0.75, 0.5, 0.875),
    "dampening": (0.75, 0.5),
    "weight_decay": (0.625, 0.25, 0.125),
    "nu": (0.5, 0.25, 0.75),
}
_COARSE: dict[str, tuple[float, ...]] = {
    "lr": (0.5, 0.25),
    "momentum": (0.5, 0.25),
    "dampening": (0.5,),
    "weight_decay": (0.5, 0.25),
    "nu": (0.5,),
}


def _values(setting: Setting) -> dict[str, tuple[float, ...]]:
    return _FINE if format_of(setting.dtype).precision >= 24 else _COARSE


def few_bits(setting: Setting) -> Problems:
    """Plain, damped, decayed, with Nesterov's form, maximizing; hyper-parameters that change."""
    chosen = {name: values[0] for name, values in _values(setting).items()}
    steps = 4 if format_of(setting.dtype).precision >= 24 else 3
    plain = {"lr": chosen["lr"], "momentum": chosen["momentum"], "nu": chosen["nu"]}
    wanted: list[dict[str, Any]] = [
        plain,
        {**chosen, "maximize": True},
        {**chosen, "nesterov": True},
        {**plain, "weight_decay": chosen["weight_decay"]},
    ]
    rows = [[given.hyper(setting, **w)] * steps for w in wanted]
    last = {name: values[-1] for name, values in _values(setting).items()}
    damped = given.hyper(setting, **plain, dampening=chosen["dampening"])
    changes = [damped, *[given.changed(setting, damped, **last)] * (steps - 1)]
    problems = [given.run(setting, row, [SHAPE], kind="ternary") for row in [*rows, changes] if row]
    return [p for p in problems if setting.allows(SHAPE)]


@st.composite
def dyadic(draw: st.DrawFn, setting: Setting) -> Problem:
    """Few-bit hyper-parameters in all combinations, each of which may change once."""
    values = _values(setting)
    on = {name: draw(st.booleans()) for name in ("dampening", "weight_decay")}
    wanted: dict[str, Any] = {
        name: draw(st.sampled_from(values[name])) if on.get(name, True) else 0.0 for name in values
    }
    wanted |= {"nesterov": draw(st.booleans()), "maximize": draw(st.booleans())}
    first = given.hyper(setting, **wanted)
    second = given.changed(setting, first, **{n: draw(st.sampled_from(values[n])) for n in values})
    steps, before = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    shape = SHAPE if setting.allows(SHAPE) else (min(setting.facts.largest, 27),)
    rows = [first if t < before else second for t in range(steps)]
    return given.run(setting, rows, [shape], kind="ternary")


@check(
    statement="Where no intermediate result has to be rounded, the iterate is the exact one.",
    source="IEEE Std 754-2019, section 4.3: an operation rounds only what its format cannot hold",
    catches="""momentum_off_by_32_units lr_off_by_32_units epsilon_in_update lr_decays_secretly
        dampening_reversed momentum_squared""",
    every_dtype=True,
    always=few_bits,
    random=dyadic,
)
def exact_where_nothing_rounds(trial: Trial) -> Found:
    yield from _compared(trial, trial.observe())


def through_zero(setting: Setting) -> Problems:
    """Momentum that is 0 for a step in mid-run, and for two."""
    h = given.hyper(setting, lr=0.5, momentum=0.5, nu=0.5)
    rows = [[given.revised(setting, h, momentum=m) for m in (0.5, *[0.0] * n, 0.5)] for n in (1, 2)]
    return [given.run(setting, row, [SHAPE], kind="ternary") for row in rows]


@check(
    statement="Momentum that is 0 for a while leaves the old velocity or a new one, not none.",
    source="the convention's formula leaves a new one; the old one is left by torch.optim.SGD and"
    " others that add up velocities, by none of the other conventions",
    catches="velocity_dropped_at_zero_momentum previous_kept_at_zero_momentum",
    needs=("settable:momentum", "hyper:momentum"),
    always=through_zero,
)
def velocity_survives_momentum_zero(trial: Trial) -> Found:
    seen = trial.observe()
    idle = any(s.idle for s in trial.convention.speakers)
    found = [list(_compared(trial, seen, kept)) for kept in ((False, True) if idle else (False,))]
    yield from min(found, key=lambda measured: sum(m.error > 0 for m in measured))


def _compared(trial: Trial, seen: Observation, kept: bool = False) -> Found:
    """Where nothing rounds, bit for bit. kept: the velocity stays as it is at momentum 0."""
    problem = trial.problem
    format = format_of(trial.subject.facts.format_name(problem.dtype))
    for i, name in enumerate(trial.parameters):
        hypers = [row[problem.groups[i]] for row in problem.hypers]
        for t, truth in enumerate(_exact(trial.convention, seen, i, hypers, format, kept)):
            got = np.where(truth.fits, seen.iterates[t][i], 0.0)
            wanted = np.where(truth.fits, truth.value, 0.0)
            if truth.fits.any():
                yield same(got, wanted, f"step {t + 1}, {name}", t + 1)


def _exact(
    convention: Convention,
    observation: Observation,
    i: int,
    hypers: Sequence[Hyper],
    format: Format,
    kept: bool = False,
) -> Iterator[Grid]:
    """The iterates of parameter i; they fit where all intermediate results of all forms do."""
    format = replace(format, precision=format.precision - GUARD)
    theta, state = Grid.of(observation.problem.start[i], format), convention.initial
    for t, h in enumerate(hypers):
        grad = Grid.of(_given(observation.fed[t][i]), format)
        lifted = h.lifted(lambda x: Grid.of(x, format))
        ends = [form(theta, grad, state, lifted) for form in convention.all_forms(h)]
        columns = list(zip(*((moved, *after) for moved, after in ends)))
        theta, *rest = (_together(column) for column in columns)
        if h.momentum or not kept:
            state = type(state)(*rest)
        yield theta


def _given(gradient: Array | None) -> Array:
    assert gradient is not None
    return gradient


def _together(forms: tuple[Any, ...]) -> Any:
    """One number in several forms: it fits where all of them do."""
    first = forms[0]
    if not isinstance(first, Grid):
        return first
    shape = first.value.shape
    parts = ((f.quantum, f.magnitude, f.fits) for f in forms)
    quanta, magnitudes, fits = (
        [np.broadcast_to(x, shape) for x in column] for column in zip(*parts)
    )
    return Grid(
        first.value,
        np.minimum.reduce(quanta),
        np.maximum.reduce(magnitudes),
        np.logical_and.reduce(fits),
        first.format,
    )
