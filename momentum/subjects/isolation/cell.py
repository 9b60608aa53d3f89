"""A contained process as its owner sees it, and the keeper that starts and ends such processes."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait as ready
from select import select
from typing import NamedTuple

from momentum.subjects.isolation.channel import Channel, pair
from momentum.subjects.isolation.child import CLOSED, fork, kill_descendants

ANSWER = 10.0
"""Seconds within which a process that does nothing else starts another."""

Main = Callable[[Channel], None]

Handle = int | socket.socket
"""A descriptor, or what has one: something that becomes ready."""


class Spawn(NamedTuple):
    """Start a process on the end of a channel that comes with this."""

    mark: bytes


class Bury(NamedTuple):
    """Say how a process ended."""

    pid: int


class Cell:
    """A contained process. starter: the channel to the process that started it, if not this one."""

    def __init__(self, pid: int, channel: Channel, starter: Channel | None = None) -> None:
        self.pid, self.channel, self.starter = pid, channel, starter
        self.status: int | None = None
        self.ended = False
        # A subject may leave the channel open in a process that it started.
        self.end = -1
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.end = os.pidfd_open(pid)

    @property
    def handles(self) -> list[Handle]:
        """What becomes ready when there is something to take."""
        return [self.channel.end, *([self.end] if self.end >= 0 else [])]

    def take(self) -> list[object]:
        """The messages that have come; sets `ended` when no more will."""
        gone = self.end >= 0 and bool(ready([self.end], 0))
        items: list[object] = []
        try:
            while self.channel.read(wait=False):
                items += self.channel.items()
            self.ended = True
        except BlockingIOError:
            self.ended = gone
        except OSError:
            self.ended = True
        return items

    def last_words(self) -> str:
        """How it ended, as a sentence without its subject."""
        if self.channel.damaged:
            return "wrote into the channel of its results"
        for _ in range(100):  # the channel ends a moment before the process
            if self.end < 0 or ready([self.end], 0.01):
                break
        else:
            return "closed the channel of its results"
        status = self._buried()
        if status is None:
            return "ended together with the process that had loaded it"
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == CLOSED:
            return "closed the channel of its results"
        if os.WIFSIGNALED(status):
            return f"was killed by signal {signal.Signals(os.WTERMSIG(status)).name}"
        return f"ended the process with exit code {os.WEXITSTATUS(status)}"

    def _buried(self) -> int | None:
        if self.status is None:
            # As long as it is not buried nobody else has its number.
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            if self.starter is None:
                with contextlib.suppress(ChildProcessError):
                    self.status = os.waitpid(self.pid, 0)[1]
            else:
                with contextlib.suppress(OSError):
                    status = asked(self.starter, Bury(self.pid))
                    self.status = status if isinstance(status, int) else None
        return self.status

    def close(self) -> None:
        """End it and what it started."""
        if self.status is None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
            self._buried()
        if self.end >= 0:
            os.close(self.end)
            self.end = -1
        self.channel.end.close()


def cell(main: Main) -> Cell:
    """A contained child of this process."""
    here, there, mark = pair()
    with there:
        pid = fork(main, there, mark)
    return Cell(pid, Channel(here, mark, pid))


def asked(channel: Channel, request: object, descriptors: Sequence[int] = ()) -> object:
    """The answer of a process that serves.

    Raises: OSError where there is none.
    """
    channel.send(request, descriptors)
    until = time.monotonic() + ANSWER
    while True:
        for item in channel.items():
            return item
        if not ready([channel.end], max(0.0, until - time.monotonic())):
            raise TimeoutError("no answer")
        if not channel.read():
            raise ConnectionError("no answer")


def spawned(starter: Channel) -> Cell:
    """A contained process that another one starts.

    Raises: OSError where it cannot.
    """
    here, there, mark = pair()
    with there:
        pid = asked(starter, Spawn(mark), [there.fileno()])
    assert isinstance(pid, int)
    return Cell(pid, Channel(here, mark, pid), starter)


def serve(channel: Channel, main: Main) -> None:
    """Start a process for every request, until the channel ends or this process is an orphan."""
    parent = os.getppid()
    for request in _requests(channel, parent):
        if isinstance(request, Spawn):
            with socket.socket(fileno=channel.descriptors.pop()) as end:
                pid = fork(main, end, request.mark)
            channel.send(pid)
        elif isinstance(request, Bury):
            status: int | None = None
            with contextlib.suppress(ChildProcessError):
                status = os.waitpid(request.pid, 0)[1]
            channel.send(status)


def _requests(channel: Channel, parent: int) -> Iterator[object]:
    while os.getppid() == parent:
        yield from channel.items()
        if select([channel.end], [], [], 1.0)[0] and not channel.read():
            return


class Keeper:
    """A process of ours between this one and the contained ones, which leaves none behind.

    Whatever ends this process, the keeper sees it and ends what is below itself. `main` is what
    each process does that it starts.
    """

    def __init__(self, main: Main) -> None:
        here, there, mark = pair()

        def keep(channel: Channel) -> None:
            try:
                serve(channel, main)
            finally:
                kill_descendants()

        with there:
            self.pid = fork(keep, there, mark, keeper=True)
        self.channel = Channel(here, mark, self.pid)
        self.owner = os.getpid()

    def spawn(self) -> Cell:
        """A new contained process. Raises: OSError where there can be none."""
        return spawned(self.channel)

    def close(self) -> None:
        """End all processes below the keeper, and itself."""
        self.channel.end.close()
        if os.getpid() == self.owner:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
