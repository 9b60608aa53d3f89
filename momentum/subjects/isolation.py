"""Work in a child process that may crash, hang, print or eat memory without hurting its parent."""

import contextlib
import faulthandler
import gc
import mmap
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from typing import Any, NamedTuple

MEMORY = 4 << 30
"""Bytes that a child may allocate beyond what its parent holds."""


class Lost(NamedTuple):
    """The child ended before it was done. slow: it had to be ended."""

    reason: str
    slow: bool = False


class Notebook:
    """A page that a child writes and its parent reads, even when the child is gone."""

    def __init__(self, size: int = 1 << 16) -> None:
        self.page = mmap.mmap(-1, size)

    def write(self, text: str) -> None:
        """Replace what is there; a text too long for the page leaves it empty."""
        data = text.encode()
        if len(data) > len(self.page) - 4:
            data = b""
        self.page.seek(0)
        self.page.write(len(data).to_bytes(4, "big") + data)

    def read(self) -> str:
        """What was written last."""
        self.page.seek(0)
        return self.page.read(int.from_bytes(self.page.read(4), "big")).decode()


def stream(
    work: Callable[[], Iterator[Any]], limit: float, first_limit: float | None = None
) -> Iterator[Any]:
    """What `work` yields, computed in a child process; last a `Lost` where it did not come through.

    limit: seconds that may pass between one item and the next; first_limit: until the first, which
    may have a framework to import. Items must be picklable.
    Where processes cannot be forked, `work` runs in this process without a limit.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        yield from work()
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(work, receiver, sender))
    child.start()
    sender.close()
    patience = limit if first_limit is None else first_limit
    # A sentinel is a pipe too, and held open by whatever the child started.
    end = os.pidfd_open(child.pid or 0) if hasattr(os, "pidfd_open") else child.sentinel
    try:
        while True:
            if not wait([receiver, end], patience):
                yield Lost(f"still running after {patience:g} s", slow=True)
                return
            try:
                # Where only the end woke us, the child is gone and nothing is left to read, though
                # something that it started may hold the other end of the pipe.
                if not receiver.poll():
                    raise EOFError
                done, item = receiver.recv()
            except EOFError:
                child.join(1.0)
                yield Lost(_last_words(child.exitcode))
                return
            if done:
                return
            patience = limit
            yield item
    finally:
        receiver.close()
        if child.pid:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)  # what the subject started ends with it
        child.kill()
        child.join()
        if end != child.sentinel:
            os.close(end)


def survives(work: Callable[[], bool], limit: float = 5.0) -> bool:
    """Whether `work`, in a child process, comes to its end within `limit` seconds and is true."""
    try:
        answers = list(stream(lambda: iter([work()]), limit))
    except (Exception, SystemExit):  # only where nothing can be forked
        return False
    return answers == [True]


def _child(work: Callable[[], Iterator[Any]], receiver: Any, sender: Any) -> None:
    receiver.close()  # so that writing fails when the parent is gone
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()  # it may write to a copy of stderr; the parent tells of a crash
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream_number in (0, 1, 2):
        os.dup2(quiet, stream_number)
    sys.stdout = sys.stderr = os.fdopen(quiet, "w")  # a notebook's or a test's are not those above
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for i, item in enumerate(work()):
        sender.send((False, item))
        if i == 0:
            gc.freeze()  # what loading made stays; collecting it again and again takes long
    sender.send((True, None))
    sender.close()
    os._exit(0)  # no clean-up of the subject's may hang here


def _last_words(exitcode: int | None) -> str:
    if exitcode is None:
        return "closed its pipe without a word"
    if exitcode < 0:
        return f"was killed by signal {signal.Signals(-exitcode).name}"
    return f"ended the process with exit code {exitcode}"
