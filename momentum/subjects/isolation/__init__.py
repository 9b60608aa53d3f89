"""Work in a child process that may crash, hang, print or eat memory without hurting its parent."""

import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait as ready
from typing import NamedTuple, TypeVar, cast

from momentum.subjects.isolation.cell import cell
from momentum.subjects.isolation.channel import Channel
from momentum.subjects.isolation.patience import Patience


class Lost(NamedTuple):
    """The child ended before it was done. slow: it had to be ended. at: what it was trying."""

    reason: str
    slow: bool = False
    at: str = ""

    def words(self, at: str = "running") -> str:
        """What became of it, as a sentence without its subject. at: what it had been doing."""
        if self.reason.startswith("still running"):
            late = self.reason.removeprefix("still running")
            return f"was still {at}{late} (--time-limit)"
        return self.reason


_copied = [True]


def not_copied() -> None:
    """From here on this process does itself what its copies did: they would lack its driver."""
    _copied[0] = False


class _Done(NamedTuple):
    """Nothing more will come."""


T = TypeVar("T")


def stream(work: Callable[[], Iterator[T]], limit: float) -> Iterator[T | Lost]:
    """What `work` yields, computed in a child process; last a `Lost` where it did not come through.

    limit: seconds that may pass between one item and the next, but for those in which other
    processes had the processor. Items must be picklable.
    """
    if not _copied[0]:
        try:
            yield from work()
        except Exception as error:  # of a stranger's; what ends or stops this process is seen above
            yield Lost(f"raised {type(error).__name__}: {error}")
        return

    def main(channel: Channel) -> None:
        for item in work():
            channel.send(item)
        channel.send(_Done())

    child = cell(main)
    patience = Patience(child.pid, limit)
    try:
        while True:
            left = patience.until - time.monotonic()
            if not ready(child.handles, max(0.0, left)) and left <= 0:
                yield Lost(f"still running after {limit:g} s", slow=True)
                return
            for item in child.take():
                if isinstance(item, _Done):
                    return
                yield cast(T, item)
                patience = Patience(child.pid, limit)
            if child.ended or child.channel.damaged:
                yield Lost(child.last_words())
                return
    finally:
        child.close()


class _Trials(NamedTuple):
    longest: float = float("inf")
    on_trial: Callable[[], None] = lambda: None


_trials = [_Trials()]


def limit_trials(seconds: float, on_trial: Callable[[], None] = lambda: None) -> None:
    """No trial in this process is to take longer than this, whatever limit it has.

    on_trial: called when one begins.
    """
    _trials[0] = _Trials(seconds, on_trial)


def trial_limit(seconds: float) -> float:
    """Seconds that a trial which now begins may take, of those that it would be given."""
    _trials[0].on_trial()
    return min(seconds, _trials[0].longest)


def survives(work: Callable[[], bool], limit: float = 5.0) -> bool:
    """Whether `work`, in a child process, comes to its end within the limit and is true."""
    try:
        return list(stream(lambda: iter([work()]), trial_limit(limit))) == [True]
    except OSError:  # there is no room for a child
        return False
