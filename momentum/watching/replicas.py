"""What one rank did and another did not."""

from collections.abc import Sequence
from typing import NamedTuple

from momentum.watching.report import WatchReport


class Replica(NamedTuple):
    """What ranks are compared by. shards: its tensors are its own, and no other rank's."""

    rank: int
    names: list[str]
    hashes: dict[int, Sequence[int]]
    loads: list[int]
    velocities: dict[int, dict[str, bool]]
    shards: bool

    @classmethod
    def of(cls, report: WatchReport) -> "Replica":
        """The part of a report that others are compared with."""
        hashes: dict[int, Sequence[int]] = dict(report.hashes)
        return cls(
            report.rank, report.names, hashes, report.loads, report.velocities, report.shards
        )


def parting(replicas: Sequence[Replica]) -> str:
    """The first that differs between ranks, in words; empty where nothing does."""
    first, *others = replicas
    for other in others:
        for step in sorted({*first.loads} ^ {*other.loads}):
            did, did_not = (first, other) if step in first.loads else (other, first)
            return (
                f"rank {did.rank} loaded a state after step {step}, and rank {did_not.rank} did not"
            )
        for step in sorted(first.velocities.keys() & other.velocities.keys()):
            kept, also = (set(one.velocities[step].values()) for one in (first, other))
            if len(kept) == len(also) == 1 and kept != also:
                had, had_not = (first, other) if kept == {True} else (other, first)
                return (
                    f"after step {step} rank {had.rank} loaded the velocities that it had, and rank"
                    f" {had_not.rank} others"
                )
        if first.names != other.names or first.shards or other.shards:
            continue  # each rank steps tensors of its own
        for step in sorted(first.hashes.keys() & other.hashes.keys()):
            for name, ours, theirs in zip(first.names, first.hashes[step], other.hashes[step]):
                if ours != theirs:
                    return (
                        f"from step {step} on {name} differs between ranks {first.rank} and"
                        f" {other.rank}: replicas should stay equal"
                    )
    return ""
