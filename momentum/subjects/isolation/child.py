"""What a contained process does to itself: no terminal, no files, limits, and it dies in time."""

import contextlib
import ctypes
import faulthandler
import fcntl
import gc
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from os import _exit, getpid  # by names that a subject has no hold on

from momentum.subjects.isolation.channel import Channel, ChannelClosed

MEMORY = 4 << 30
"""Bytes that a child may allocate beyond what its parent holds."""

_OWN = 700
"""Its channel's descriptor is at least this one, out of the way of who closes the first few."""

CLOSED = 97
"""Exit code of a child that found its channel closed."""

FILL = 0x7F
"""Bytes of memory that was never written: a huge number in every format, and not what lay there."""

_M_PERTURB = -6  # glibc: malloc.h; memory is filled with the complement

_PDEATHSIG, _CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def fork(
    main: Callable[[Channel], None], end: socket.socket, mark: bytes, keeper: bool = False
) -> int:
    """A new process that runs `main` on this end of a channel; its number.

    keeper: it runs nothing of the subject's, and outlives its parent for as long as it takes.
    """
    parent = os.getpid()
    with warnings.catch_warnings():
        # What other threads hold when it forks, the child does not touch.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        own = _contained(end, parent, keeper)
        main(Channel(own, mark))
        code = 0
    except ChannelClosed:
        code = CLOSED
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    finally:
        os._exit(code)  # no clean-up of the subject's may hang here


def _contained(end: socket.socket, parent: int, keeper: bool) -> socket.socket:
    gc.freeze()  # what is closed below must not be closed again by its old owner
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    option = (_CHILD_SUBREAPER, 1) if keeper else (_PDEATHSIG, signal.SIGKILL)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(*option, 0, 0, 0)
    if not keeper and os.getppid() != parent:
        os._exit(1)  # it died before the line above
    with contextlib.suppress(ValueError):
        signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        wanted = signal.SIG_IGN if keeper or number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, wanted)
    own = socket.socket(fileno=_moved(end.detach()))
    faulthandler.disable()  # it may write to a copy of stderr; the parent tells of a crash
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    _close_all_but(own.fileno())
    # Those of a notebook or of a test are not the ones above.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it lives as long as the process
    sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115
    if not keeper:
        _limited()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_PERTURB, FILL ^ 0xFF)
    return own


def _moved(descriptor: int) -> int:
    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _OWN)
    except OSError:  # fewer descriptors are allowed
        return descriptor
    os.close(descriptor)
    return moved


def _close_all_but(kept: int) -> None:
    try:
        open_ = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        open_ = list(range(3, 4096))
    for descriptor in open_:
        if descriptor > 2 and descriptor != kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _limited() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = held + MEMORY
        if most != resource.RLIM_INFINITY:
            wanted = min(wanted, most)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class NoCopies:
    """Around a stranger's call: a copy of this process that it makes ends with the call."""

    def __init__(self) -> None:
        self.process = getpid()

    def end(self) -> None:
        """End this process, if it is one of the copies."""
        if getpid() != self.process:
            _exit(0)


def is_exhaustion(error: BaseException) -> bool:
    """Whether memory was refused; frameworks raise errors of their own."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and any(x in words for x in ("can't allocate memory", "bad_alloc", "out of memory"))
    )


def kill_descendants() -> None:
    """End every process below this one, those with a session of their own too.

    Orphans below a subreaper become its children; there are none left when there is none to wait
    for.
    """
    with contextlib.suppress(ChildProcessError):
        while True:
            for pid in children_of(os.getpid()):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def children_of(pid: int) -> list[int]:
    """Numbers of the processes whose parent is this one."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(n) for n in file.read().split()]
    numbers = [int(n) for n in os.listdir("/proc") if n.isdigit()] if os.path.isdir("/proc") else []
    return [n for n in numbers if _parent(n) == pid]


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:  # it is gone
        return 0
