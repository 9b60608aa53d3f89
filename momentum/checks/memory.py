"""Memory: what the state takes, and that it takes no more as the run goes on."""

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, advice, check, true
from momentum.checks._runs import How, walked
from momentum.subjects.drive import plainly
from momentum.subjects.judge import Measured

SPARE = 64
"""Bytes a parameter that counters and the like may take."""


def twelve_steps(setting: Setting) -> Problems:
    """Twelve steps of two small parameters."""
    return given.steady(setting, [given.FULL], 12)


@advice(
    statement="The state is one number for each number of a parameter, in its format or float32.",
    source="law; the rule keeps one velocity",
    catches="velocity_stored_twice",
    needs=("state_bytes",),
    # Long enough for the velocity to outweigh counters.
    always=lambda s: given.steady(s, [given.FULL], 3, [(min(s.facts.largest, 1024),)]),
)
def keeps_one_velocity(trial: Trial) -> Found:
    wide = format_of(trial.problem.dtype).precision > format_of("float32").precision
    elements, spare = sum(x.size for x in trial.problem.start), SPARE * len(trial.problem.shapes)
    due = elements * (8 if wide else 4)
    for t, run, *_ in walked(trial):
        held = run.state_bytes()
        wanted = f"bytes of state for {elements} numbers, wanted up to {due + spare}"
        yield Measured(max(0.0, held - due), spare, f"step {t + 1}: {held} {wanted}", t + 1)


@check(
    statement="The state takes as many bytes after twelve steps as after two.",
    source="metaopt/torchopt#219",
    catches="keeps_every_velocity",
    needs=("state_bytes",),
    always=twelve_steps,
)
def state_does_not_grow(trial: Trial) -> Found:
    held = [run.state_bytes() for _, run, *_ in walked(trial)]
    for t, now in enumerate(held[2:], 3):
        where = f"step {t}: {now} bytes of state, {held[1]} after step 2"
        yield Measured(max(0.0, now - held[1]), 0.0, where, t)


@check(
    statement="As many tensors are alive after twelve steps as after two.",
    source="metaopt/torchopt#219",
    catches="keeps_every_velocity",
    needs=("live_objects",),
    always=twelve_steps,
)
def leaves_no_tensor_behind(trial: Trial) -> Found:
    before = 0
    for t, (_, run, *_) in enumerate(walked(trial), 1):
        if t == 2:
            before = run.live_objects()
        if t == trial.problem.steps:
            now = run.live_objects()
            where = f"step {t}: {now} tensors are alive, {before} after step 2"
            yield Measured(max(0.0, now - before), 0.0, where, t)


@check(
    statement="No step is recorded for differentiation: parameters and state hang in no graph.",
    source="pytorch/pytorch#144154",
    catches="velocity_hangs_in_graph",
    needs=("graph",),
    always=twelve_steps,
)
def keeps_no_autograd_graph(trial: Trial) -> Found:
    yield from _graphless(trial, plainly)


@check(
    statement="No step through a closure leaves parameters or state in an autograd graph.",
    source="pytorch/pytorch#144154",
    catches="velocity_hangs_in_graph",
    needs=("graph", "closure"),
    always=twelve_steps,
)
def closures_leave_no_graph(trial: Trial) -> Found:
    yield from _graphless(trial, lambda run, t, fed: run.step_closure(fed))


def _graphless(trial: Trial, step: How) -> Found:
    for t, run, *_ in walked(trial.on(hypers=trial.problem.hypers[:3]), step):
        count = run.graph_nodes()
        yield true(count == 0, f"step {t + 1}: {count} tensors hang in an autograd graph", t + 1)
