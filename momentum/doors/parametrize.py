"""The checks of one subject as callable cases, and `parametrize`, which makes tests of them.

@momentum.parametrize(MySGD, as_="torch", expected={"agrees_with_oracle[float16]": "issue 12"})
def test_conformance(check):
    check()
"""

import atexit
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from momentum.checks.result import ITSELF, Result
from momentum.conventions import Convention
from momentum.doors.functions import expectations
from momentum.doors.targets import Target
from momentum.errors import UsageError
from momentum.report import words
from momentum.runner.events import Job
from momentum.runner.expectations import Expectation
from momentum.runner.options import Effort, Options
from momentum.runner.supervisor import Supervisor


class ConformanceFailure(AssertionError):
    """A check found the subject wrong; the message can be read alone."""


class Bench:
    """One subject's supervisor, in whatever process asks for it.

    selected: the jobs of the session, in their order. A cause must fit all failures among them, so
    at the first one the others are measured before it is told; expected ones are left out.
    """

    def __init__(
        self,
        target: Target,
        convention: str | Convention | None,
        options: Options,
        expected: Collection[str] = (),
    ) -> None:
        self.begin = partial(Supervisor, target.load, convention, options)
        self.expected = expected
        self.of: Supervisor | None = None
        self.pid = 0
        self.selected: list[Job] = []
        self.found: dict[str, Result] = {}

    def supervisor(self) -> Supervisor:
        """Raises: UsageError where the target cannot be loaded or identified."""
        if self.of is None or self.pid != os.getpid():  # a plugin may have forked since
            self.of, self.pid = self.begin(), os.getpid()
            atexit.register(self.of.close)
            try:
                self.of.prepare()
            except UsageError:
                self.of.close()
                raise
        return self.of

    def result(self, job: Job) -> Result:
        """What becomes of a job; with its cause where it failed and is not expected to."""
        if job.id not in self.found:
            self._measure([job])
            if self.found[job.id].verdict == "failed" and job.id not in self.expected:
                self._measure([one for one in self.selected if one.id not in self.found])
                order = dict.fromkeys([*(one.id for one in self.selected), job.id])
                told = [self.found[name] for name in order if name not in self.expected]
                self.found |= {r.id: r for r in self.supervisor().explained(told)}
        return self.found[job.id]

    def _measure(self, jobs: Sequence[Job]) -> None:
        self.found |= {r.id: r for r in self.supervisor().results(jobs)}


@dataclass(frozen=True)
class Case:
    """One check of one subject in one dtype; without a job, the control. Call it to run it."""

    id: str
    bench: Bench = field(repr=False)
    job: Job | None
    effort: str
    expectation: Expectation | None = field(repr=False, default=None)

    def __call__(self) -> None:
        """Raises: ConformanceFailure; skips where the check does not apply."""
        __tracebackhide__ = True
        supervisor = self.bench.supervisor()
        if self.job is None:
            twin = supervisor.try_twin()
            if twin.outcome != "caught":
                raise ConformanceFailure(f"{twin.words}: nothing that passes can be believed")
            return
        result = self.bench.result(self.job)
        if result.verdict == "skipped":
            pytest.skip(result.reason)
        if not result.bad:
            return
        text = words.sentence(supervisor.header, result)
        if result.explanation:
            text += "\n" + "cause: " * (result.explanation != ITSELF) + result.explanation
        if result.level == "should" and self.expectation is None:
            pytest.xfail(f"advice: {text}")
        again = words.replay(supervisor.header, result)
        raise ConformanceFailure(text + (f"\nreplay: {again}" if again else ""))

    @property
    def marks(self) -> list[pytest.MarkDecorator]:
        """Marks of its test: the effort, and what is expected of it."""
        effort = self.effort
        found = [pytest.mark.momentum(effort=effort), getattr(pytest.mark, f"momentum_{effort}")]
        if self.expectation is not None:
            reason = ", ".join(x for x in self.expectation[1:] if x)
            found.append(pytest.mark.xfail(raises=ConformanceFailure, strict=True, reason=reason))
        return found


def cases(
    what: Target,
    convention: str | Convention | None,
    options: Options,
    expected: Mapping[str, str] | Sequence[Expectation] = (),
) -> list[Case]:
    """The control, and then every check of the subject in every dtype.

    Raises: UsageError for what does not fit, an expectation that matches nothing, and where no
    check applies, because a run in which nothing ran must not look green.
    """
    known = {e.id: e for e in expectations(expected)}
    options = replace(options, arguments=what.arguments).checked(convention)
    bench = Bench(what, convention, options, known)
    supervisor = bench.supervisor()
    jobs = supervisor.jobs
    ids = {job.id for job in jobs}
    strange = [] if options.only or options.dtypes else [id_ for id_ in known if id_ not in ids]
    wrong = f"expected failures match nothing: {', '.join(strange)}" if strange else ""
    if all(job.reason for job in jobs):
        wrong = f"every check of {supervisor.header.target} is skipped: nothing would run"
    if wrong:
        supervisor.close()
        raise UsageError(wrong)
    found = [Case(f"{what.name}-control[{jobs[0].dtype}]", bench, None, options.effort)]
    for job in jobs:
        found.append(Case(f"{what.name}-{job.id}", bench, job, options.effort, known.get(job.id)))
    return found


def parametrize(
    target: object,
    as_: str | Convention | None = None,
    *,
    settings: Mapping[str, object] | None = None,
    expected: Mapping[str, str] | Sequence[Expectation] = (),
    effort: Effort = "normal",
    dtypes: Sequence[str] = (),
    only: Sequence[str] = (),
    seed: int = 0,
    time_limit: float = 60.0,
) -> pytest.MarkDecorator:
    """A decorator that gives a test function one `check` after the other.

    target: an optimizer class, a factory, a step function, a Subject, or a text such as
    `torch.optim:SGD`. settings: arguments of its constructor. expected: id -> reason.
    time_limit: seconds for loading, for identifying, and for each case.
    Raises: UsageError, see `cases`.
    """
    options = Options(tuple(dtypes), effort, seed, tuple(only), time_limit)
    found = cases(Target(target, settings or {}), as_, options, expected)
    return pytest.mark.parametrize(
        "check", [pytest.param(c, id=c.id, marks=c.marks) for c in found]
    )
