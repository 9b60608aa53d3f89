"""Gradients or steps cut, or shortened, to a limit."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from momentum.diagnosis.departing import Departure, taken_as
from momentum.diagnosis.hypotheses import Hypothesis, Strand, Telling
from momentum.diagnosis.tellings import fed
from momentum.subjects.observation import Observation


def fitted_clip(hypothesis: Hypothesis, limit: float) -> Iterator[Departure]:
    """Gradients cut, or shortened, to a limit that a run has shown."""
    shown = f"{limit:g}"
    yield Departure("clip_value", "", f"gradients are clipped to {shown}",
                    taken_as(fed(lambda g: [np.clip(x, -limit, limit) for x in g])))  # fmt: skip
    yield Departure("clip_norm", "", f"each parameter's gradient is shortened to norm {shown}",
                    taken_as(_shortened(limit, False, None), slack=4))  # fmt: skip
    yield Departure("clip_global_norm", "", f"all gradients are shortened to a norm of {shown} "
                    "together", taken_as(_shortened(limit, True, None), slack=4))  # fmt: skip
    yield Departure("clip_update", "", f"each parameter's step is shortened to norm {shown}",
                    taken_as(_shortened(limit, False, hypothesis), slack=4))  # fmt: skip


def _shortened(limit: float, together: bool, steps_of: Hypothesis | None) -> Telling:
    """The gradient, or where a rule is given its step, scaled down to a norm."""

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        grads, hypers = [], []
        moves = _steps(observation, steps_of, strand.parameter) if steps_of else None
        for t, g in enumerate(strand.grads):
            whole = [x for x in observation.fed[t] if x is not None]
            own = [observation.fed[t][strand.parameter]]
            measured = [moves[t]] if moves else whole if together else own
            norm = np.sqrt(sum(float(np.sum(np.square(x))) for x in measured if x is not None))
            factor = min(1.0, limit / norm) if norm else 1.0
            h = strand.hypers[t]
            grads.append(g if g is None or moves else g * factor)
            hypers.append(h._replace(lr=h.lr * factor) if moves else h)
        yield strand._replace(grads=tuple(grads), hypers=tuple(hypers))

    return telling


def _steps(observation: Observation, hypothesis: Hypothesis, i: int) -> list[Any]:
    """What the rule would take off the subject's own iterates, step by step."""
    problem, rule = observation.problem, hypothesis.convention
    here, state, moves = problem.start[i], rule.initial, []
    for t, row in enumerate(observation.fed):
        h, new = problem.hypers[t][problem.groups[i]], here
        if row[i] is not None:
            new, state = rule.step(here, row[i], state, h)
        moves.append(here - new)
        here = observation.iterates[t][i]
    return moves
