"""A momentum that a subject has for good and no argument sets, as its impulse response shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.diagnosis.probes import dtype_for, taken
from momentum.diagnosis.response import Response, response
from momentum.diagnosis.short import short
from momentum.subjects.isolation import stream, trial_limit
from momentum.subjects.offers import FullRun, full
from momentum.subjects.protocol import Array, Facts, Subject
from momentum.subjects.trial import LIMIT

DENOMINATORS = 1000
"""A literal that is no short decimal may be a fraction of such numbers."""

TOLD = frozenset({"set", "add_group", "step_closure", "steps"})
"""What of a run takes hyper-parameters."""


def with_own_momentum(subject: Subject, dtype: str | None = None) -> Subject:
    """The subject, held to the momentum that it has for good; the same where it has none.

    dtype: to measure in, the finest where none is given.
    """
    facts = subject.facts
    if "momentum" in taken(facts) or "momentum" in facts.fixed:
        return subject
    found = _measured(subject, dtype or dtype_for(facts))
    if found is None:
        return subject
    words = f"no argument known as one sets it; held to {found!r}, as its impulse response shows"
    said = facts.left.get("momentum", words)
    kept = replace(
        facts,
        fixed={**facts.fixed, "momentum": found},
        left={**facts.left, "momentum": said},
    )
    return _Own(subject, kept, found)


def _measured(subject: Subject, dtype: str) -> float | None:
    """The ratio of a geometric response, in a child process, which it may end."""
    answer = next(stream(lambda: iter([response(subject, dtype)]), trial_limit(LIMIT)), None)
    return ratio(answer) if isinstance(answer, Response) else None


def ratio(found: Response) -> float | None:
    """m of h_{t+1} = m h_t from the second coefficient on; None where it is not geometric.

    The first is left out: in Nesterov's form it holds the gradient itself.
    """
    h, doubt = np.array(found.coefficients), np.array(found.uncertainty)
    if not (np.isfinite(h).all() and found.linear and found.shifted) or abs(h[1]) <= doubt[1]:
        return None
    m = float(h[2] / h[1])
    near = float(doubt[2] + abs(m) * doubt[1]) / abs(float(h[1]))
    m = _literal(m, near)
    apart = np.abs(h[2:] - m * h[1:-1])
    geometric = apart <= doubt[2:] + m * doubt[1:-1]
    return m if 0 < m < 2 and geometric.all() else None


def _literal(number: float, doubt: float) -> float:
    """The number within the doubt that somebody would write."""
    decimal = short(number, doubt)
    share = Fraction(number).limit_denominator(DENOMINATORS)
    close = abs(float(share) - number) <= doubt
    return float(share) if close and len(repr(decimal)) > len(str(share)) + 4 else decimal


@dataclass(frozen=True)
class _Own:
    """A subject that is told nothing of a momentum, and is said to have this one."""

    subject: Subject
    facts: Facts
    momentum: float

    def start(
        self, parameters: Sequence[Array], hypers: Sequence[Hyper], dtype: str, *more: Any
    ) -> "_OwnRun":
        """A run that is told the other hyper-parameters.

        Raises: ValueError for another momentum than its own.
        """
        run = self.subject.start(parameters, self.untold(hypers), dtype, *more)
        return _OwnRun(full(run), self)

    def untold(self, given: Any) -> Any:
        """The same without the momentum, wherever hyper-parameters are in it."""
        if isinstance(given, Hyper):
            if given.momentum != self.momentum:
                raise ValueError(f"takes no momentum={given.momentum}")
            return given.having(momentum=0.0)
        return list(map(self.untold, given)) if type(given) in (list, tuple) else given


@dataclass(frozen=True)
class _OwnRun:
    """A run of such a subject."""

    run: FullRun
    own: _Own

    def duplicate(self, how: str) -> "_OwnRun":
        """An independent one."""
        return replace(self, run=self.run.duplicate(how))

    def hand_over(self, other: "_OwnRun") -> None:
        """Its live state, into the run of another."""
        self.run.hand_over(other.run)

    def schedules(self, steps: int) -> dict[str, list[list[Hyper]]]:
        """What each schedule sets, the momentum as it is."""
        found = self.run.schedules(steps).items()
        return {
            name: [[h.having(momentum=self.own.momentum) for h in row] for row in rows]
            for name, rows in found
        }

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.run, name)
        if name not in TOLD:
            return found
        return lambda *given: found(*map(self.own.untold, given))
