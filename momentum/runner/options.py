"""What to run: which checks, in which dtypes, how hard."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from momentum.arithmetic import FORMATS, format_of
from momentum.checks import CHECKS, Check
from momentum.conventions import Convention, get
from momentum.diagnosis.own_momentum import with_own_momentum
from momentum.errors import UsageError, did_you_mean, of_usage
from momentum.subjects.isolation import Lost, stream
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject
from momentum.subjects.trial import claimed

Effort = Literal["quick", "normal", "deep"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)

LONGEST = 1e6
"""Seconds that any limit may be."""


@dataclass(frozen=True)
class Options:
    """How to run: which checks, how hard, with which seed.

    time_limit: seconds for loading, for identifying, and for each check and dtype. total_limit:
    seconds for the whole run. replay: the one problem to measure, for one check.
    arguments: words of a command line that name the subject, for the replay commands.
    workers: processes that measure at the same time; the report does not depend on them.
    """

    dtypes: tuple[str, ...] = ()
    effort: Effort = "normal"
    seed: int = 0
    only: tuple[str, ...] = ()
    time_limit: float = 60.0
    total_limit: float | None = None
    replay: Problem | None = None
    arguments: tuple[str, ...] = ()
    workers: int = 1

    def checked(self, convention: str | Convention | None) -> "Options":
        """The same; what can be refused before anything is loaded is refused here.

        Raises: UsageError.
        """
        if self.effort not in EFFORTS:
            known = f"known are {', '.join(EFFORTS)}{did_you_mean(self.effort, EFFORTS)}"
            raise UsageError(f"unknown effort {self.effort!r}: {known}")
        limits = {"time_limit": self.time_limit, "total_limit": self.total_limit or 1.0}
        for name, number in (limits | {"jobs": self.workers}).items():
            if not 0 < number <= LONGEST:
                raise UsageError(f"{name} must be above 0, not {number}")
        if convention is not None:
            convention_of(convention, self.time_limit)
        with of_usage():
            dtypes = [format_of(dtype).name for dtype in self.dtypes]
            chosen = selected(self.only)
        if self.replay is not None and (len(self.only) != 1 or len(chosen) != 1):
            raise UsageError("--replay needs exactly one --only, and that of a single check")
        return replace(self, dtypes=tuple(dict.fromkeys(dtypes)))


def convention_of(which: str | Convention, limit: float = 60.0) -> Convention:
    """The convention that somebody names; a file of theirs is first run in a process that may end.

    limit: seconds that it may take.
    Raises: UsageError where there is none.
    """

    def tried() -> Iterator[bool]:
        with contextlib.suppress(ValueError):
            get(which)
        yield True

    if isinstance(which, str) and ".py" in which:
        for said in stream(tried, limit):
            if isinstance(said, Lost):
                end = f"was not done after {limit:g} s" if said.slow else said.reason
                raise UsageError(f"convention {which!r}: its file {end}")
    with of_usage():
        return get(which)


def selected(only: Sequence[str]) -> list[Check]:
    """The checks of these names or families, all where none is given.

    Raises: ValueError for a name that is neither.
    """
    known = list(dict.fromkeys([*CHECKS, *(c.family for c in CHECKS.values())]))
    names = {name.partition("[")[0] for name in only}
    for name in sorted(names - set(known)):
        raise ValueError(f"unknown check {name!r} (--list shows all){did_you_mean(name, known)}")
    return [c for c in CHECKS.values() if not only or c.name in names or c.family in names]


def judged_in(subject: Subject, options: Options) -> Subject:
    """The subject, claiming the dtypes that it is to be judged in, and a momentum of its own.

    Raises: UsageError for a dtype that it cannot be given.
    """
    if options.replay is not None:
        return with_own_momentum(claimed(subject, (options.replay.dtype,)))
    also = [name.partition("[")[2].rstrip("]") for name in options.only if "[" in name]
    return with_own_momentum(claimed(subject, options.dtypes, [d for d in also if d in FORMATS]))


def jobs(subject: Subject, options: Options) -> list[tuple[Check, str]]:
    """Every check with every dtype that it is to run in."""
    formats = subject.facts.dtypes
    dtypes = options.dtypes or formats
    exactly = {name for name in options.only if "[" in name}
    some = {name.partition("[")[0] for name in exactly}
    found: list[tuple[Check, str]] = []
    for check in selected(options.only):
        if options.replay is not None:
            found.append((check, options.replay.dtype))
        elif check.name in some:
            found += [(check, d) for d in formats if f"{check.name}[{d}]" in exactly]
        else:
            found += [(check, d) for d in (dtypes if check.every_dtype else dtypes[:1])]
    for name in exactly - {f"{c.name}[{d}]" for c, d in found}:
        if options.replay is None:
            hint = did_you_mean(name.partition("[")[2].rstrip("]"), formats)
            known = ", ".join(formats)
            raise ValueError(f"{name!r} matches nothing: the subject claims {known}{hint}")
    return found
