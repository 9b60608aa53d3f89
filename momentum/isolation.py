"""Work in a child process that may crash, hang, print or eat memory without hurting its parent."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

MEMORY = 4 << 30
"""Bytes that a child may allocate beyond what its parent holds."""


class Lost(NamedTuple):
    """The child ended before it was done."""

    reason: str


def stream(work: Callable[[], Iterator[Any]], limit: float) -> Iterator[Any]:
    """What `work` yields, computed in a child process; last a `Lost` where it did not come through.

    limit: seconds that may pass between one item and the next. Items must be picklable.
    Where processes cannot be forked, `work` runs in this process without a limit.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        yield from work()
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(work, sender), daemon=True)
    child.start()
    sender.close()
    try:
        while True:
            if not receiver.poll(limit):
                yield Lost(f"still running after {limit:g} s")
                return
            try:
                done, item = receiver.recv()
            except EOFError:
                child.join(1.0)
                yield Lost(_last_words(child.exitcode))
                return
            if done:
                return
            yield item
    finally:
        receiver.close()
        child.kill()
        child.join()


def _child(work: Callable[[], Iterator[Any]], sender: Any) -> None:
    os.setpgrp()  # what the subject starts ends with it
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY, resource.RLIM_INFINITY))
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream_number in (0, 1, 2):
        os.dup2(quiet, stream_number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    for item in work():
        sender.send((False, item))
    sender.send((True, None))
    sender.close()
    os._exit(0)  # no clean-up of the subject's may hang here


def _last_words(exitcode: int | None) -> str:
    if exitcode is None:
        return "closed its pipe without a word"
    if exitcode < 0:
        return f"was killed by signal {signal.Signals(-exitcode).name}"
    return f"ended the process with exit code {exitcode}"
