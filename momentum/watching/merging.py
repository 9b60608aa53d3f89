"""What all ranks of a training have left, told together."""

from collections.abc import Iterator, Sequence

from momentum.report.foreign import one_line
from momentum.watching.replicas import Replica, parting
from momentum.watching.report import WatchReport

SHOWN = 8
"""Violations that are told; the files have the others."""


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
