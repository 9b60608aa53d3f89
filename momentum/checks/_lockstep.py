"""Two functions in two threads that take turns at every line: what can be mixed up, is."""

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

PATIENCE = 0.2
"""Seconds until the other thread is taken to wait for a lock that this one holds."""

ALONE = "numpy.", "momentum.arithmetic.", "momentum.gallery.machine.number"
"""Modules whose functions are taken as one line: they keep nothing from one call to the next."""


class _Turns:
    """Whose turn it is; the other one waits."""

    def __init__(self) -> None:
        self.free = [threading.Event(), threading.Event()]
        self.done = [False, False]
        self.blocked = [False, False]

    def hand_over(self, me: int) -> None:
        """Let the other thread go on, and wait until it hands over again.

        One that does not is blocked; this one goes on without it, until it is heard of again.
        """
        self.blocked[me] = False
        if self.done[1 - me] or self.blocked[1 - me]:
            return
        self.free[me].clear()
        self.free[1 - me].set()
        self.blocked[1 - me] = not self.free[me].wait(PATIENCE)

    def finish(self, me: int) -> None:
        """The other thread has the floor for good."""
        self.done[me] = True
        self.free[1 - me].set()


def lockstep(first: Callable[[], None], second: Callable[[], None]) -> None:
    """Call both, each in a thread of its own, one line of Python after the other by turns.

    Raises: what either raised, the first one's first.
    """
    turns, errors = _Turns(), [None, None]  # type: tuple[_Turns, list[BaseException | None]]

    def work(me: int, function: Callable[[], None]) -> None:
        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            if frame.f_globals.get("__name__", "").startswith(ALONE):
                return None
            if event == "line":
                turns.hand_over(me)
            return trace

        turns.free[me].wait(PATIENCE)
        sys.settrace(trace)
        try:
            function()
        except BaseException as error:
            errors[me] = error
        finally:
            sys.settrace(None)
            turns.finish(me)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate((first, second))]
    for thread in threads:
        thread.start()
    turns.free[0].set()
    for thread in threads:
        thread.join()
    for error in errors:
        if error is not None:
            raise error
