"""Memory: what the state takes, and that it takes no more as the run goes on."""

from collections.abc import Callable, Sequence
from typing import Any

from momentum.arithmetic import format_of
from momentum.checks import _given
from momentum.checks._check import Found, check, true
from momentum.checks._runs import walked
from momentum.conventions import Convention
from momentum.subjects.drive import Fed, plainly
from momentum.subjects.judge import Measured
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting
from momentum.subjects.protocol import Subject

SPARE = 64
"""Bytes a parameter that counters and the like may take."""


def twelve_steps(setting: Setting) -> Sequence[Problem]:
    """Twelve steps of two small parameters."""
    return _given.steady(setting, [_given.FULL], 12)


def _weighed(subject: Subject, problem: Problem, each: int) -> Found:
    """The state's bytes against so many for each number of the parameters, and some to spare."""
    elements = sum(x.size for x in problem.start)
    limit = elements * each + SPARE * len(problem.shapes)
    for t, run, *_ in walked(subject, problem):
        held = run.state_bytes()
        yield Measured(
            max(0.0, held - elements * each),
            SPARE * len(problem.shapes),
            f"step {t + 1}: {held} bytes of state for {elements} numbers, wanted up to {limit}",
            t + 1,
        )


@check(
    statement="The state is one number for each number of a parameter, in its format or float32.",
    source="law; the rule keeps one velocity",
    catches="velocity_stored_twice",
    level="should",
    needs=("state_bytes",),
    # Long enough for the velocity to outweigh counters.
    always=lambda s: _given.steady(s, [_given.FULL], 3, [(min(s.facts.largest, 1024),)]),
)
def keeps_one_velocity(subject: Subject, convention: Convention, problem: Problem) -> Found:
    wide = format_of(problem.dtype).precision > format_of("float32").precision
    yield from _weighed(subject, problem, 8 if wide else 4)


@check(
    statement="The state takes as many bytes after twelve steps as after two.",
    source="metaopt/torchopt#219",
    catches="keeps_every_velocity",
    needs=("state_bytes",),
    always=twelve_steps,
)
def state_does_not_grow(subject: Subject, convention: Convention, problem: Problem) -> Found:
    held = [run.state_bytes() for _, run, *_ in walked(subject, problem)]
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
def leaves_no_tensor_behind(subject: Subject, convention: Convention, problem: Problem) -> Found:
    before = 0
    for t, (_, run, *_) in enumerate(walked(subject, problem), 1):
        if t == 2:
            before = run.live_objects()
        if t == problem.steps:
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
def keeps_no_autograd_graph(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _graphless(subject, problem, plainly)


@check(
    statement="No step through a closure leaves parameters or state in an autograd graph.",
    source="pytorch/pytorch#144154",
    catches="velocity_hangs_in_graph",
    needs=("graph", "closure"),
    always=twelve_steps,
)
def closures_leave_no_graph(subject: Subject, convention: Convention, problem: Problem) -> Found:
    yield from _graphless(subject, problem, lambda run, t, fed: run.step_closure(fed))


def _graphless(subject: Subject, problem: Problem, step: Callable[[Any, int, Fed], Any]) -> Found:
    for t, run, *_ in walked(subject, problem.cut(3), step):
        count = run.graph_nodes()
        yield true(count == 0, f"step {t + 1}: {count} tensors hang in an autograd graph", t + 1)
