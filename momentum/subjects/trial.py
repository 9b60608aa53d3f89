"""Which dtypes a subject is judged in: those asked for, those it claims, or those a trial shows.

Where nobody claimed a dtype, a subject keeps it if parameters come back in it after a few steps,
and not all of them as numbers of a narrower one: its arithmetic would be that of the narrower one.
In the same way parameters without axes and without elements are tried.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from momentum.arithmetic import FORMATS, format_of
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.drive import observe
from momentum.subjects.guard import Guarded
from momentum.subjects.isolation import Lost, stream, trial_limit
from momentum.subjects.offers import FullRun, full
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Facts, Subject
from momentum.subjects.refusals import Refusals
from momentum.subjects.strangers import tamed

LIMIT = 10.0
"""Seconds for the trial of one dtype."""

SIZE = 23

ODD: Mapping[str, tuple[int, ...]] = {"scalars": (), "empty": (0,), "several axes": (33, 65)}
"""Shapes that a function on arrays may not know."""


@dataclass(frozen=True)
class Restated:
    """A subject under other facts than its own. seen: what one sees of its runs, in a dtype."""

    subject: Subject
    facts: Facts
    seen: Callable[[FullRun, str], object] = lambda run, dtype: run

    def start(
        self, parameters: Sequence[Array], hypers: Sequence[Hyper], dtype: str, *more: Any
    ) -> Any:
        """A run of the subject itself, as it is seen."""
        return self.seen(full(self.subject.start(parameters, hypers, dtype, *more)), dtype)


def claimed(subject: Subject, asked: Sequence[str] = (), also: Sequence[str] = ()) -> Subject:
    """The subject, claiming the dtypes asked for; else its own, as far as a trial shows them kept.

    also: dtypes asked for in some checks.
    Raises: UsageError for a dtype that it cannot be given.
    """
    facts = subject.facts
    for dtype in (*asked, *also):
        if dtype not in facts.dtypes:
            raise UsageError(f"{facts.name} does not claim {dtype}: {', '.join(facts.dtypes)}")
    if not asked and not facts.assumed:
        return subject
    left: dict[str, str] = {}
    if not asked:
        left = _left(trial(subject, facts.dtypes), also)
    kept = tuple(d for d in facts.dtypes if (not asked or d in (*asked, *also)) and d not in left)
    if not kept:  # nothing works: what is wrong shows in one dtype as well as in all
        return Restated(subject, replace(facts, dtypes=facts.dtypes[:1], assumed=False))
    facts = replace(facts, dtypes=kept)
    odd = _left(trial(Restated(subject, facts), ("scalars", "empty"))) if facts.assumed else {}
    facts = replace(
        facts,
        assumed=False,
        left={**facts.left, **left, **odd},
        scalars=facts.scalars and "scalars" not in odd,
        empty=facts.empty and "empty" not in odd,
    )
    return Restated(subject, facts)


def _left(found: Mapping[str, str], asked: Sequence[str] = ()) -> dict[str, str]:
    return {name: why for name, why in found.items() if why and name not in asked}


def trial(subject: Subject, names: Iterable[str], limit: float = LIMIT) -> dict[str, str]:
    """Why the subject does not keep what is named, dtypes or shapes; empty where it does.

    It runs in a child process, which it may end.
    """
    found: dict[str, str] = {}
    todo = list(names)
    while todo:
        tried = ((name, _why_not(subject, name)) for name in todo)
        for item in stream(partial(iter, tried), trial_limit(limit)):
            if isinstance(item, Lost):
                left = [name for name in todo if name not in found]
                found |= dict.fromkeys(left if item.slow else left[:1], item.reason)
            else:
                found[item[0]] = item[1]
        todo = [name for name in todo if name not in found]
    return found


def refused(subject: Subject) -> dict[str, str]:
    """The dtypes that a first step refuses while it takes others, with its words; in a child."""
    h = subject.facts.domain.combined({"lr": 0.3, "momentum": 0.7})
    refusals = Refusals(Guarded(subject))
    tried = ((name, refusals.of_dtype(h, name)) for name in subject.facts.dtypes)
    found = stream(partial(iter, tried), trial_limit(LIMIT / 2))
    return {name: why for name, why in (x for x in found if not isinstance(x, Lost)) if why}


def _why_not(subject: Subject, name: str) -> str:
    h = subject.facts.domain.combined({"lr": 0.3, "momentum": 0.7})
    dtype = subject.facts.dtypes[0] if name in ODD else name
    shape = ODD.get(name, (min(SIZE, subject.facts.largest),))
    problem = Problem(dtype, (shape,), ((h,),) * 3, (0,), seed=7)
    try:
        iterates = observe(Guarded(subject), problem).iterates
    except BaseException as error:  # whatever a foreign optimizer raises, in a process of its own
        ours = tamed(error)
        return " ".join(str(ours).split())[:200] or type(ours).__name__
    values = np.concatenate([np.ravel(row[0]) for row in iterates])
    for narrower in sorted(FORMATS.values(), key=lambda f: f.precision):
        if name in ODD or narrower.precision >= format_of(dtype).precision:
            break
        if np.all(np.isfinite(values)) and np.array_equal(narrower.round(values), values):
            return f"its numbers are those of {narrower.name}"
    return ""
