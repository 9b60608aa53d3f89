"""What all ranks of a training have left: where they part, and all of it told together."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from momentum.report.foreign import one_line
from momentum.watching.report import WatchReport

SHOWN = 8
"""Violations that are told; the files have the others."""


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


def retell(reports: Sequence[WatchReport]) -> str:
    """Which ranks left what, where they part, and the violations in the order of steps."""
    return "\n".join(map(one_line, _lines(sorted(reports, key=lambda r: r.rank))))


def _lines(reports: Sequence[WatchReport]) -> Iterator[str]:
    ranks = sorted({r.rank for r in reports})
    world = max(r.world for r in reports)
    lost = sorted({*range(world)} - {*ranks})
    yield f"{_verdict(reports)}: {len(ranks)} of {world} ranks left a report"
    if lost:
        chance = len(lost) / world
        names = ", ".join(map(str, lost))
        yield f"nothing from rank {names}: one wrong rank was missed with probability {chance:.3g}"
    for report in reports:
        yield f"rank {report.rank}: {report.summary}"
        if report.unfinished:
            yield f"rank {report.rank} ended early, after step {report.steps} at the soonest"
        yield f"rank {report.rank}: {report.missed()}"
    parted = parted_in(reports)
    if parted:
        yield parted
    found = sorted((v for r in reports for v in r.violations), key=lambda v: (v.step, v.rank))
    if found:
        total = sum(r.count for r in reports)
        wrong = sorted({v.rank for v in found})
        yield f"{total} violations, on rank {', '.join(map(str, wrong))} of {world}; the first:"
        yield from (str(v) for v in found[:SHOWN])


def parted_in(reports: Sequence[WatchReport]) -> str:
    """Where ranks part: as they found together, or as their files show."""
    told = next((r.parted for r in reports if r.parted), "")
    return told or parting([Replica.of(r) for r in reports])


def _verdict(reports: Sequence[WatchReport]) -> str:
    verdicts = {r.verdict for r in reports}
    if "FAILED" in verdicts or parted_in(reports):
        return "FAILED"
    lost = {r.rank for r in reports} != {*range(max(r.world for r in reports))}
    return "unfinished" if lost or "unfinished" in verdicts else sorted(verdicts)[0]
