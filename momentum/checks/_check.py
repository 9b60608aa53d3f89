"""What a check is: a true sentence about a subject, and a generator of measurements."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Required, TypedDict, Unpack

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


def _no_problems(setting: Setting) -> Problems:
    return ()


def _to_all(trial: Trial) -> None:
    return None


def closed_form(find: Callable[[Convention, Hyper], object]) -> Applies:
    """Problems whose first hyper-parameters have a closed form."""

    def applies(trial: Trial) -> str | None:
        missing = find(trial.convention, trial.problem.hypers[0][0]) in (None, False)
        return "no closed form is on record for these hyper-parameters" if missing else None

    return applies


@dataclass(frozen=True)
class Check:
    """A sentence that is true of every right optimizer, and how to measure it on a problem.

    level: must (spoils a training) or should (hygiene). catches: names of defects that it must
    find, in one text. needs: what a subject must offer (see Facts and OFFERS), or a convention
    have on record; else the check is skipped.
    always: problems tried every time; random: where further ones are drawn from, if any are.
    applies: to which of them it applies, and why not to others.
    errors_fail: that nothing is raised is what it says, so that an error is a failure.
    """

    name: str
    family: str
    measure: Measure
    always: Always
    statement: str
    source: str
    catches: str
    level: Level = "must"
    needs: tuple[str, ...] = ()
    every_dtype: bool = False
    random: Callable[[Setting], Drawn] | None = None
    errors_fail: bool = False
    applies: Applies = _to_all

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


class Declared(TypedDict, total=False):
    """What a check says of itself; see Check."""

    statement: Required[str]
    source: Required[str]
    catches: Required[str]
    level: Level
    needs: tuple[str, ...]
    every_dtype: bool
    random: Callable[[Setting], Drawn]
    errors_fail: bool
    applies: Applies


def check(
    always: Always = _no_problems, **declared: Unpack[Declared]
) -> Callable[[Measure], Measure]:
    """Register a measuring function as a check; its module is its family.

    Raises: ValueError where the name is taken.
    """

    def register(measure: Measure) -> Measure:
        name, family = measure.__name__, measure.__module__.rpartition(".")[2]
        if name in CHECKS:
            raise ValueError(f"there are two checks called {name}")
        CHECKS[name] = Check(name, family, measure, always, **declared)
        return measure

    return register


advice = partial(check, level="should")
"""A check of hygiene, which spoils no training."""


def agrees(**declared: Unpack[Declared]) -> Callable[[Always], Always]:
    """Register a check that says no more than that the subject agrees with the oracle.

    The function names the check, and gives the problems that it is tried on every time.
    """

    def register(always: Always) -> Always:
        def measure(trial: Trial) -> Found:
            yield from trial.judged()

        measure.__name__ = measure.__qualname__ = always.__name__
        measure.__module__ = always.__module__
        check(always, **declared)(measure)
        return always

    return register


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
    return Measured(float(gaps[k]), 0.0, f"{where}{text}: {a[k]:.9g}, wanted {b[k]:.9g}", step)


def worded(found: Found, before: str = "", after: str = "") -> Found:
    """The same with more words of where."""
    return (m._replace(where=f"{before}{m.where}{after}") for m in found)


def true(holds: bool, where: str, step: int = 0) -> Measured:
    """A law that holds or does not."""
    return Measured(0.0 if holds else float("inf"), 0.0, where, step)
