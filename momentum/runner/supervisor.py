"""Run checks on a subject, in workers that may die. Prints nothing, writes nothing."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from momentum.checks import CHECKS
from momentum.checks.result import Header, Result, Series
from momentum.conventions import Convention
from momentum.errors import UsageError
from momentum.runner import events
from momentum.runner.events import Event, Job, Request
from momentum.runner.ledger import LOSSES, Ledger
from momentum.runner.one_check import blank
from momentum.runner.options import Options
from momentum.runner.pool import Hand, Load, Pool
from momentum.subjects.isolation import Lost

Start = Callable[[str, int, int], None]

LASTING = 2
"""Lanes of a subject that compiles: more of them would compile more and wait less."""


def batches(jobs: Sequence[Job], least: int) -> dict[str, int]:
    """The number of each job's batch, by its id. least: jobs of one, but for the last."""
    found: dict[str, int] = {}
    number = size = 0
    for _, family in groupby(jobs, lambda job: job.family):
        if size >= least:
            number, size = number + 1, 0
        for job in family:
            found[job.id] = number
            size += not job.reason
    return found


class Seat:
    """Where a worker may be at work. lane: its number; left: the jobs of it that come after `job`.

    hand: the worker, which has begun with nothing else as long as `lane` is None.
    """

    def __init__(self) -> None:
        self.hand: Hand | None = None
        self.lane: int | None = None
        self.job: Job | None = None
        self.left: deque[Job] = deque()

    def clear(self) -> None:
        """End the worker."""
        if self.hand is not None:
            self.hand.close()
        self.hand, self.job = None, None


class Supervisor:
    """One subject under one convention: loads it, and gives each job its result.

    With every lane of checks a worker begins anew, so that no result depends on how many workers
    there are. A lane is a batch; where a new worker has to compile everything again, it is half of
    them. Close it at the end.
    """

    def __init__(self, load: Load, convention: str | Convention | None, options: Options) -> None:
        self.convention = convention
        self.ledger = Ledger()
        self.pool = Pool(load, convention, options)
        self.seats = [Seat() for _ in range(options.workers)]
        self.helper = Seat()
        self.unexplained = ""
        self.header: Header
        self.jobs: tuple[Job, ...] = ()
        self.lane: dict[str, int] = {}

    def prepare(self) -> Header:
        """Load the subject, find its convention, and see what there is to do.

        Raises: UsageError where target or options are wrong.
        """
        self.pool.load()
        said = self._asked(events.Prepare())
        if isinstance(said, Lost):
            if self.convention is not None:
                raise UsageError(f"{self.pool.name} {said.words()} before its first check")
            raise UsageError(
                f"the convention cannot be identified: the subject {said.words()} while probed;"
                " say which it is meant to follow, with --as"
            )
        if isinstance(said, events.Refused):
            raise UsageError(said.words)
        assert isinstance(said, events.Prepared)
        self.header, self.jobs = said
        self.lane = batches(self.jobs, self.pool.batch)
        if self.lasts:
            last = max(self.lane.values(), default=0)
            self.lane = {id: n * LASTING // (last + 1) for id, n in self.lane.items()}
        return self.header

    @property
    def lasts(self) -> bool:
        """A worker goes on as long as it can, as a new one would compile everything again."""
        return not self.pool.renews

    def try_twin(self) -> events.TwinTried:
        """A known-wrong twin of the subject must fail, else nothing that passes means anything."""
        dtype = self.jobs[0].dtype
        said = self._asked(events.TryTwin(self.header.convention, dtype))
        if isinstance(said, Lost):
            self.ledger.enter("", said)
            return events.TwinTried("not run", f"the known-wrong twin {said.words()}")
        assert isinstance(said, events.TwinTried)
        return said

    def respond(self) -> Series | None:
        """The subject's impulse response."""
        said = self._asked(events.Respond(self.header.convention))
        return said.series if isinstance(said, events.Responded) else None

    def results(
        self, jobs: Sequence[Job], on_start: Start = lambda name, number, total: None
    ) -> Iterator[Result]:
        """What becomes of these jobs, in their order.

        Raises: TimeIsUp.
        """
        lanes: dict[int, deque[Job]] = {}
        for job in jobs:
            lanes.setdefault(self.lane[job.id], deque()).append(job)
        waiting = deque(lanes.values())
        done: dict[str, Result | Lost] = {}
        number = {job.id: i for i, job in enumerate(jobs, 1)}
        for job in jobs:
            while (result := self._settled(job, done.get(job.id))) is None:
                for seat in self.seats:
                    while seat.job is None and (one := self._next(seat, waiting)) is not None:
                        on_start(one.id, number[one.id], len(jobs))
                        if (lost := self._begin(seat, one)) is not None:
                            done[one.id] = lost
                busy = [s for s in self.seats if s.job and s.hand]
                if busy:
                    self.pool.wait_for([s.hand for s in busy if s.hand])
                for seat in busy:
                    self._collect(seat, done)
            yield result
        for seat in self.seats:
            if seat.job is not None:  # it is at what was given up
                seat.clear()

    def _next(self, seat: Seat, waiting: deque[deque[Job]]) -> Job | None:
        """The job that a seat is to do next: of its lane, else the first of the next one."""
        while True:
            while seat.left:
                job = seat.left.popleft()
                if not (job.reason or self.ledger.why_not(job)):
                    return job
            if not waiting:
                return None
            seat.left = waiting.popleft()

    def _begin(self, seat: Seat, job: Job) -> Lost | None:
        """Set a worker to a job; why there is none."""
        lane = self.lane[job.id]
        if seat.lane != lane and not (self.lasts and seat.lane is None):
            seat.clear()
        if seat.hand is None:
            hired = self.pool.hire()
            if isinstance(hired, Lost):
                return hired
            seat.hand = hired
        seat.lane, seat.job = lane, job
        seat.hand.ask(events.Measure(self.header.convention, job))
        return None

    def _collect(self, seat: Seat, done: dict[str, Result | Lost]) -> None:
        """Take the answer of a seat that is busy, if it has one."""
        assert seat.hand is not None
        assert seat.job is not None
        said, job = seat.hand.answer(), seat.job
        if isinstance(said, Lost):
            done[job.id] = said._replace(at=seat.hand.problem)
            seat.clear()
        elif said is not None:
            assert isinstance(said, Result)
            done[job.id], seat.job = said, None

    def _settled(self, job: Job, found: Result | Lost | None) -> Result | None:
        """The result of the next job of the report, None as long as it has none."""
        base = blank(CHECKS[job.check], job.dtype)
        if job.reason:
            return replace(base, verdict="skipped", reason=job.reason)
        if not_tried := self.ledger.why_not(job):
            return replace(base, verdict="errored", reason=not_tried)
        if isinstance(found, Lost):
            self.ledger.enter(job.dtype, found)
            return replace(base, verdict="errored", reason=found.reason, problem=found.at)
        return found

    def explained(self, results: Sequence[Result]) -> list[Result]:
        """The same with their causes, for which one search is made over all that failed.

        A problem at which the subject is lost is left out of the next try. Where there is no next
        one, `unexplained` says why.
        """
        failed = tuple(r for r in results if r.verdict == "failed")
        avoided: frozenset[str] = frozenset()
        for _ in range(LOSSES if failed else 0):
            hired = self.helper.hand or self.pool.hire()
            if isinstance(hired, Lost):
                self.unexplained = f"not looked for: {hired.reason}"
                break
            self.helper.hand = hired
            said = self.pool.asked(hired, events.Explain(self.header.convention, failed, avoided))
            if isinstance(said, events.Explained):
                self.unexplained = said.unexplained
                return [replace(r, explanation=said.words.get(r.id, "")) for r in results]
            lost = said.words("running") if isinstance(said, Lost) else "failed"
            self.unexplained = f"the search for them {lost}"
            avoided |= {hired.problem}
            self.helper.clear()
        return list(results)

    def _asked(self, request: Request) -> Event:
        """The answer of a worker that does nothing else."""
        seat = self.seats[0]
        if seat.hand is None or not self.lasts:
            seat.clear()
            hired = self.pool.hire()
            if isinstance(hired, Lost):
                return hired
            seat.hand, seat.lane = hired, None
        said = self.pool.asked(seat.hand, request)
        if isinstance(said, Lost):
            seat.clear()
        return said

    def close(self) -> None:
        """End all workers, and all that the subject started."""
        for seat in (*self.seats, self.helper):
            seat.clear()
        self.pool.close()
