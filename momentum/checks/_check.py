"""What a check is: a true sentence about a subject, and a generator of measurements."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from momentum.checks._given import Drawn as Drawn
from momentum.checks._given import Problem as Problem
from momentum.checks._given import Problems as Problems
from momentum.checks._given import Setting as Setting
from momentum.checks._given import problems as problems
from momentum.checks._trial import Found as Found
from momentum.checks._trial import Step as Step
from momentum.checks._trial import Trial as Trial
from momentum.conventions import Convention, Hyper
from momentum.subjects.judge import Measured
from momentum.subjects.protocol import OFFERS, Facts

Level = Literal["must", "should"]
Measure = Callable[[Trial], Found]
Always = Callable[[Setting], Problems]
Applies = Callable[[Trial], str | None]
"""Why a problem tells nothing; None where it does."""

CLOSED_FORMS = {
    "share": "the response to a gradient",
    "total": "the whole response to a gradient",
    "speed": "the speed under a constant gradient",
    "rate": "the path on a quadratic",
}
"""Parts of a convention's `response`, in words."""


def closed_form(find: Callable[[Convention, Hyper], object]) -> Applies:
    """Problems whose first hyper-parameters have a closed form."""

    def applies(trial: Trial) -> str | None:
        missing = find(trial.convention, trial.problem.hypers[0][0]) in (None, False)
        return "no closed form is on record for these hyper-parameters" if missing else None

    return applies


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a check says of itself.

    level: must (spoils a training) or should (hygiene). catches: names of defects that it must
    find, in one text. needs: what a subject must offer (see Facts and OFFERS), or a convention
    have on record; else the check is skipped.
    always: problems tried every time; random: where further ones are drawn from, if any are.
    applies: to which of them it applies, and why not to others.
    errors_fail: that nothing is raised is what it says, so that an error is a failure.
    """

    statement: str
    source: str
    catches: str
    level: Level = "must"
    needs: tuple[str, ...] = ()
    every_dtype: bool = False
    always: Always = lambda setting: ()
    random: Callable[[Setting], Drawn] | None = None
    errors_fail: bool = False
    applies: Applies = lambda trial: None

    def registered(self, function: Measure | Always, measure: Measure, always: Always) -> None:
        """Register the check that a function names; its module is its family.

        Raises: ValueError where the name is taken.
        """
        name, family = function.__name__, function.__module__.rpartition(".")[2]
        if name in CHECKS:
            raise ValueError(f"there are two checks called {name}")
        said = {**vars(self), "always": always}
        CHECKS[name] = Check(**said, name=name, family=family, measure=measure)


@dataclass(frozen=True, kw_only=True)
class Check(Declared):
    """A sentence that is true of every right optimizer, and how to measure it on a problem."""

    name: str
    family: str
    measure: Measure

    @property
    def defects(self) -> tuple[str, ...]:
        """Those that it must find."""
        return tuple(self.catches.split())

    def why_not(self, facts: Facts, convention: Convention) -> str | None:
        """The reason why this check does not apply, None where it does."""
        if facts.domain.empty is not None:
            return facts.domain.empty
        for name, value in facts.domain.fixed.items():
            if convention.lacks(name, value):
                return f"convention {convention.name} has no {name}, which is fixed to {value}"
        for need in self.needs:
            kind, _, name = need.rpartition(":")
            if kind == "hyper":
                if name not in convention.knows:
                    return f"convention {convention.name} has no {name}"
                reason = facts.domain.never(name)
                if reason is not None:
                    return reason
            elif kind == "closed form":
                if getattr(convention.response, name, None) is None:
                    return f"no closed form is on record for {CLOSED_FORMS[name]}"
            elif kind == "settable":
                if name in facts.fixed or name not in facts.settable:
                    return f"{name} cannot be changed in a run"
            elif name == "velocity":
                if convention.keeps_iterates:
                    return f"convention {convention.name} goes on from the iterates that it kept"
            elif name in ("groups", "none_gradients", "scalars", "empty"):
                if not getattr(facts, name):
                    return f"has no {name.replace('_', ' ')}"
            elif name not in facts.offers:
                return f"does not offer {name} ({OFFERS[name]})"
        return None


CHECKS: dict[str, Check] = {}


class check(Declared):
    """A check, measured by the function that it decorates."""

    def __call__(self, measure: Measure) -> Measure:
        """Register it."""
        self.registered(measure, measure, self.always)
        return measure


class agrees(Declared):
    """A check that says no more than that the subject agrees with the oracle.

    It decorates the function that gives the problems which it is tried on every time.
    """

    def __call__(self, always: Always) -> Always:
        """Register it."""
        self.registered(always, Trial.judged, always)
        return always


advice = partial(check, level="should")
"""A check of hygiene, which spoils no training."""


def those_of(name: str) -> Always:
    """The problems that another check is tried on every time."""
    return lambda setting: CHECKS[name].always(setting)


def same(got: ArrayLike, wanted: ArrayLike, where: str, step: int = 0) -> Measured:
    """A law without a bound: two arrays are equal bit for bit, nan equal to nan, -0.0 to 0.0."""
    a, b = np.asarray(got, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    if a.shape != b.shape:
        return Measured(np.inf, 0.0, f"{where}: shape {a.shape}, wanted {b.shape}", step)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    if alike.all():
        return Measured(0.0, 0.0, where, step)
    with np.errstate(all="ignore"):
        gaps = np.where(alike, 0.0, np.abs(a - b))
    gaps = np.where(np.isnan(gaps), np.inf, gaps)
    k = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    text = f"[{', '.join(str(int(i)) for i in k)}]" if k else ""
    return Measured(float(gaps[k]), 0.0, f"{where}{text}: {told_apart(a[k], b[k])}", step)


def told_apart(got: float, wanted: float) -> str:
    """Both numbers, with as many digits as tell them apart."""
    digits = 9 if f"{got:.9g}" != f"{wanted:.9g}" else 17
    return f"{got:.{digits}g}, wanted {wanted:.{digits}g}"


def worded(found: Found, before: str = "", after: str = "") -> Found:
    """The same with more words of where."""
    return (m._replace(where=f"{before}{m.where}{after}") for m in found)


def true(holds: bool, where: str, step: int = 0) -> Measured:
    """A law that holds or does not."""
    return Measured(0.0 if holds else float("inf"), 0.0, where, step)
