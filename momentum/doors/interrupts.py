"""Signals that end a command, once, so that what it has is written down."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

ENDING = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]

PATIENCE = 5.0
"""Seconds after the first signal within which further ones are passed over."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt; who presses thrice asks once, also where
    the third comes when all has been written.

    One that is ignored stays so, as `nohup` wants it. In a thread that is not the main one nothing
    can be caught, and nothing is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first = float("inf")

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal first
        now = time.monotonic()
        if first <= now < first + PATIENCE:
            return
        first = min(first, now)
        raise KeyboardInterrupt

    before = {n: h for n in ENDING if (h := signal.getsignal(n)) not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items() if first == float("inf") else ():
            signal.signal(number, handler)
