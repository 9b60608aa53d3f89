"""How long a process may take, where others use the processor too."""

import contextlib
import glob
import time

LENIENCE = 3.0
"""Times its limit that a process may have waited for a processor, on a machine that is busy."""


class Patience:
    """The time that a process has from now on, but for what it waits for a processor. limit: s."""

    def __init__(self, pid: int, limit: float) -> None:
        self.pid, self.limit = pid, limit
        self.began, self.queued = time.monotonic(), seconds_queued(pid)

    @property
    def until(self) -> float:
        """When it is over, as it looks now."""
        waited = seconds_queued(self.pid) - self.queued
        return self.began + self.limit + min(max(0.0, waited), LENIENCE * self.limit)


def seconds_queued(pid: int) -> float:
    """How long a process has been ready to run while others did; 0 where nobody counts it.

    Summed over its threads: the first one waits for those that compile.
    """
    total = 0
    for file in glob.iglob(f"/proc/{pid}/task/*/schedstat"):
        # One whose thread has ended cannot be read any more.
        with contextlib.suppress(OSError, ValueError, IndexError), open(file) as text:
            total += int(text.read().split()[1])
    return total * 1e-9
