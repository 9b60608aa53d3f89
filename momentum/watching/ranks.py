"""All ranks of a training, told each other's findings by torch.distributed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch.distributed as dist

from momentum.watching.merging import Replica, parting
from momentum.watching.report import WatchReport

_groups: list[Any] = []
"""Process groups that were compared in, kept to the end of the process.

torch: where a group is freed, its threads are joined while Python's lock is held; one that has not
yet let go of the last message waits for that lock, and both for ever.
"""

_LET_GO = 0.05
"""Seconds for those threads to get the lock, so that none waits for it when the process ends."""


def several() -> bool:
    """There are other ranks that can be reached."""
    return bool(dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1)


def compare(reports: list[WatchReport]) -> None:
    """Say in each report where ranks part. A collective call: every rank makes it, or none."""
    if not several():
        return
    _groups.append(dist.group.WORLD)
    everyone: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(everyone, [Replica.of(report) for report in reports])
    time.sleep(_LET_GO)
    for i, report in enumerate(reports):
        replicas = [theirs[i] for theirs in everyone if i < len(theirs)]
        report.parted = report.parted or parting(replicas)


@contextmanager
def before_the_end(act: Callable[[], None]) -> Iterator[None]:
    """Within, `act` is called before the process group is destroyed; once, and at the end if not.

    Where an exception passes through, nothing is called: the others may not come to their end.
    """
    own = getattr(dist, "destroy_process_group", None)
    done: list[bool] = []

    def destroy(*args: object, **kwargs: object) -> object:
        if not done and (not args or args[0] is None) and several():
            done.append(True)
            act()
        return own(*args, **kwargs) if own is not None else None

    if own is not None:
        dist.destroy_process_group = destroy
    try:
        yield
    finally:
        if own is not None:
            dist.destroy_process_group = own
    if not done:
        act()
