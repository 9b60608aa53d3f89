"""Replicas on several ranks: the first step and tensor at which they part."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch.distributed as dist


class Hash(NamedTuple):
    """A checksum of the watched elements of a tensor after a step."""

    step: int
    parameter: str
    crc: int


def first_parting(hashes: Sequence[Hash] | None) -> str:
    """Where this rank's tensors and another's part, in words; empty where they do not.

    A collective call: every rank makes it, or none. None says that a rank has shards of its own,
    which no other rank holds.
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() < 2:
        return ""
    gathered: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(gathered, hashes)
    if any(theirs is None for theirs in gathered):
        return ""
    first = gathered[0]
    for rank, theirs in enumerate(gathered[1:], 1):
        if [x[:2] for x in theirs] != [x[:2] for x in first]:
            continue  # each rank steps parameters of its own
        for ours, other in zip(first, theirs):
            if ours != other:
                return (
                    f"from step {ours[0]} on {ours[1]} differs between ranks 0 and {rank}:"
                    " replicas should stay equal"
                )
    return ""
