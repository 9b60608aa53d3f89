"""The impulse response: what a subject makes of one gradient of 1 and then zeros."""

from dataclasses import dataclass

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.diagnosis.probes import VALUES, refusal
from momentum.subjects.protocol import Subject

STEPS = 10


@dataclass(frozen=True)
class Response:
    """x_{t-1} - x_t = lr sum_i h_i g_{t-i} for a linear filter that does not change in time.

    coefficients: h_0, h_1, …  uncertainty: of each, from the rounding of the iterates.
    hyper: the setting. linear: twice the gradient gives twice the response. shifted: the same
    gradient one step later gives the same response one step later. Units: none.
    """

    coefficients: tuple[float, ...]
    uncertainty: tuple[float, ...]
    hyper: Hyper
    dtype: str
    linear: bool
    shifted: bool

    @property
    def delay(self) -> int:
        """Steps before the first that the gradient moves; 0 where none does."""
        known = zip(self.coefficients, self.uncertainty)
        return next((t for t, (c, doubt) in enumerate(known) if abs(c) > doubt), 0)


def response(subject: Subject, dtype: str) -> Response | str:
    """Measure it, from parameters at zero; the subject's words where it refuses."""
    try:
        return _measured(subject, dtype)
    except Exception as error:  # whatever a foreign optimizer raises; ours is raised anew
        return refusal(error)


def _measured(subject: Subject, dtype: str) -> Response:
    facts = subject.facts
    h = facts.domain.combined({n: VALUES[n] for n in ("lr", "momentum", "nu")})
    run = subject.start([np.zeros(3)], [h], dtype)
    iterates = [np.zeros(3)]
    for t in range(STEPS + 1):
        # Coordinates: an impulse, a double one, one a step later.
        run.step([np.array([float(t == 0), 2.0 * (t == 0), float(t == 1)])])
        iterates.append(np.asarray(run.parameters()[0], dtype=np.float64).reshape(3))
    x = np.array(iterates)
    lr = float(h.lr)
    with np.errstate(all="ignore"):
        moves = (x[:-1] - x[1:]) / lr
        # Each iterate was rounded once when stored, and the step before it once or twice.
        doubt = 4 * format_of(dtype).u * (np.abs(x[:-1]) + np.abs(x[1:])) / lr
        twice = np.abs(moves[:, 1] - 2 * moves[:, 0]) <= doubt[:, 1] + 2 * doubt[:, 0]
        later = np.abs(moves[1:, 2] - moves[:-1, 0]) <= doubt[1:, 2] + doubt[:-1, 0]
    return Response(
        coefficients=tuple(float(c) for c in moves[:STEPS, 0]),
        uncertainty=tuple(float(c) for c in doubt[:STEPS, 0]),
        hyper=h,
        dtype=dtype,
        linear=bool(twice.all()),
        shifted=bool(later.all() and moves[0, 2] == 0),
    )
