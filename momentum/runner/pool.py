"""Workers of one run: where they come from, what each is at, and when its time is over."""

import contextlib
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import wait as ready

from momentum.conventions import Convention
from momentum.errors import UsageError
from momentum.runner.events import Event, Explain, Loaded, Refused, Request, Trying
from momentum.runner.options import Options
from momentum.runner.worker import Worker
from momentum.subjects.isolation import Lost
from momentum.subjects.isolation.cell import Cell, Keeper, spawned
from momentum.subjects.isolation.patience import Patience
from momentum.subjects.protocol import Subject

Load = Callable[[], Subject]


BATCH = 16
"""Jobs, in whole families, that one worker does; starting one costs as much as a small job."""

PROGRAM_BATCH = 64
"""The same where a worker has to start a program, which costs as much as a dozen."""

SEARCH = 2
"""Time limits that a search for causes may take, each of its runs one at most."""


class TimeIsUp(Exception):
    """The whole run has taken as long as it may."""


class Hand:
    """A worker in a process of its own, which answers requests one at a time.

    problem: what it tried last. next, whole: its time for a sign of life, and for the answer.
    handles: ready when it may have one. loads: it has to load the subject first.
    """

    def __init__(self, cell: Cell, limit: float, loads: bool = False) -> None:
        self.cell, self.limit, self.loads = cell, limit, loads
        self.handles = cell.handles
        self.problem = ""
        self.request: Request | None = None
        self.next, self.whole = Patience(cell.pid, limit), Patience(cell.pid, float("inf"))

    def ask(self, request: Request) -> None:
        """Begin with a request."""
        self.problem, self.request = "", request
        self._begin()
        with contextlib.suppress(OSError):  # its end is seen when it is asked for the answer
            self.cell.channel.send(request, within=self.limit)

    def _begin(self) -> None:
        self.next = Patience(self.cell.pid, self.limit)
        self.whole = Patience(self.cell.pid, self.limit * SEARCH)

    @property
    def until(self) -> float:
        """When its time is over."""
        return min(self.next.until, self.whole.until)

    def answer(self) -> Event | None:
        """What it says, or that it was lost."""
        for item in self.cell.take():
            if isinstance(item, Trying):
                self.problem = item.problem
                if not item.problem or isinstance(self.request, Explain):
                    # Loading has come as far as a trial, or a search to its next one.
                    self.next = Patience(self.cell.pid, self.limit)
            elif self.loads and isinstance(item, Loaded):
                self.loads = False
                self._begin()
            elif self.loads and not isinstance(item, Lost):
                return Lost("could not be loaded again")
            else:
                assert isinstance(item, Event)
                return item
        if self.cell.ended or self.cell.channel.damaged:
            return Lost(self.cell.last_words())
        if time.monotonic() >= self.until:
            return Lost(f"still running after {self.limit:g} s", slow=True)
        return None

    def close(self) -> None:
        """End the process, and all that it started and did not send away."""
        self.cell.close()


class Pool:
    """Where workers come from: copies of one process that has loaded the subject."""

    def __init__(self, load: Load, convention: str | Convention | None, options: Options) -> None:
        self.limit, self.name = options.time_limit, " ".join(options.arguments) or "the target"
        total = options.total_limit
        self.deadline = float("inf") if total is None else time.monotonic() + total
        self.worker = Worker(load, convention, options)
        self.keeper = Keeper(self.worker.load_and_serve)
        self.loader: Cell | None = None

    def load(self) -> None:
        """Load the subject.

        Raises: UsageError where it cannot be.
        """
        self.loader = self.keeper.spawn()
        said = self._said(self.loader)
        if isinstance(said, Refused):
            raise UsageError(said.words)
        if isinstance(said, Lost):
            words = said.words("loading")
            raise UsageError(f"{self.name} {words}{'' if said.slow else ' while it was loaded'}")
        assert isinstance(said, Loaded)
        self.forks = said.forks
        self.renews = said.forks and not said.compiles
        self.batch = PROGRAM_BATCH if said.at_once else BATCH
        self.idle = not self.forks

    def _said(self, cell: Cell) -> Event | None:
        hand = Hand(cell, self.limit)
        said = None
        while said is None:
            self.wait_for([hand])
            said = hand.answer()
        return said

    def hire(self) -> Hand | Lost:
        """A worker that is at nothing, or why there is none."""
        assert self.loader is not None, "loaded"
        if self.idle:
            self.idle = False
            return Hand(self.loader, self.limit)
        try:
            if not self.forks:
                return Hand(self.keeper.spawn(), self.limit, loads=True)
            with contextlib.suppress(OSError):
                return Hand(spawned(self.loader.channel), self.limit)
            # There is no loader any more.
            fresh = self.keeper.spawn()
            said = self._said(fresh)
            if isinstance(said, Loaded):
                self.loader.close()
                self.loader = fresh
                return Hand(spawned(fresh.channel), self.limit)
        except OSError as error:
            return Lost(f"left no process to go on with ({error})")
        fresh.close()
        return said if isinstance(said, Lost) else Lost("could not be loaded again")

    def asked(self, hand: Hand, request: Request) -> Event:
        """The answer of a worker, waited for.

        Raises: TimeIsUp.
        """
        hand.ask(request)
        while (said := hand.answer()) is None:
            self.wait_for([hand])
        return said

    def wait_for(self, hands: Iterable[Hand]) -> None:
        """Return when one of them may have an answer, or has had its time.

        Raises: TimeIsUp.
        """
        now = time.monotonic()
        if now > self.deadline:
            raise TimeIsUp
        asked = list(hands)
        until = min([self.deadline, *(hand.until for hand in asked)])
        ready([h for hand in asked for h in hand.handles], max(0.0, until - now))

    def close(self) -> None:
        """End everything."""
        if self.loader is not None:
            self.loader.close()
        self.keeper.close()
