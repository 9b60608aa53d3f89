"""A watch as JSON lines, one file a rank: a header, what was found as it is found, a footer.

A process that dies leaves the lines that it had written; without its footer it is unfinished.
"""

import os
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from momentum.errors import UsageError
from momentum.report import lines
from momentum.report.stream import Stream
from momentum.runner import files
from momentum.watching.report import Violation, WatchReport

FORMAT = "momentum-watch"
VERSION = 1


@dataclass(frozen=True)
class Header:
    """What the first line says; see WatchReport."""

    convention: str
    optimizer: str
    rank: int
    world: int
    every: int
    shards: bool


_FOOT = ("steps", "verified", "count", "notes", "parted")


class Lines:
    """A file that grows with its report."""

    def __init__(self, path: Path, report: WatchReport) -> None:
        files.writable(path)
        self.stream, self.report = Stream(path), report
        report.told = lambda record: self.stream.write(lines.line(record))
        report.told(_header(report))

    def finish(self) -> None:
        """Raises: UsageError where the file could not be written."""
        self.report.told = None
        self.stream.write(lines.line(_footer(self.report)))
        self.stream.finish()


def own_file(path: Path, number: int = 0) -> Path:
    """This rank's file, and that of its optimizers beyond the first: `found.rank1.2.jsonl`."""
    rank = os.environ.get("RANK")
    marks = ([] if rank is None else [f"rank{rank}"]) + ([str(number + 1)] if number else [])
    return path.with_suffix(".".join(["", *marks, path.suffix.removeprefix(".") or "jsonl"]))


def text(report: WatchReport) -> str:
    """The lines of a whole report."""
    return "".join(map(lines.line, _records(report)))


def _records(report: WatchReport) -> Iterator[Mapping[str, object]]:
    yield _header(report)
    yield {"record": "sample", "tensors": report.tensors}
    for step in report.loads:
        yield {"record": "load", "step": step}
        if step in report.velocities:
            yield {"record": "velocities", "step": step, "kept": report.velocities[step]}
    for step, ratio in report.ratios:
        hashes = dict(zip(report.names, report.hashes.get(step, ())))
        yield {"record": "step", "step": step, "ratio": ratio, "hashes": hashes}
    for violation in report.violations:
        yield {"record": "violation", **asdict(violation)}
    if not report.unfinished:
        yield _footer(report)


def _header(report: WatchReport) -> dict[str, object]:
    own = {one.name: getattr(report, one.name) for one in fields(Header)}
    return {"record": "header", "format": FORMAT, "version": VERSION, **own}


def _footer(report: WatchReport) -> dict[str, object]:
    own = {name: getattr(report, name) for name in _FOOT}
    return {"record": "footer", "verdict": report.verdict, **own, "missed": report.missed()}


def is_watch(path: Path) -> bool:
    """Whether a file begins as one of these does.

    Raises: UsageError where it cannot be read.
    """
    first = files.read(path, "the report").partition("\n")[0]
    return f'"format": "{FORMAT}"' in first


def read(path: Path) -> WatchReport:
    """What a rank has left; unfinished where it did not come to its end.

    Raises: UsageError where it is no record of a watch.
    """
    found, _ = lines.records(path, "the report", "a watch")
    if not found:
        raise UsageError(f"{path} is empty: wanted the lines of a watch")
    where, first = found[0]
    if first.get("format") != FORMAT or first.get("version") != VERSION:
        raise UsageError(f"{path} is no record of a watch, or of another version")
    header = files.record_of(first, Header, where)
    report = WatchReport(**asdict(header), unfinished=True)
    for where, record in found[1:]:
        _added(report, record, where)
    return report


def _added(report: WatchReport, record: dict[str, Any], where: str) -> None:
    kind = record.get("record")
    try:
        if kind == "sample":
            report.tensors = {
                name: (int(size), share if share == "all" else int(share), int(draws))
                for name, (size, share, draws) in record["tensors"].items()
            }
        elif kind == "load":
            report.loads.append(int(record["step"]))
        elif kind == "velocities":
            report.recognised({str(name): bool(kept) for name, kept in record["kept"].items()})
        elif kind == "step":
            step, hashes = int(record["step"]), record["hashes"]
            report.names += [name for name in hashes if name not in report.names]
            report.hashes[step] = array("I", (int(hashes.get(n, 0)) for n in report.names))
            report.ratios.append((step, float(record["ratio"])))
            report.steps, report.verified = max(report.steps, step), report.verified + 1
        elif kind == "violation":
            report.violations.append(files.record_of(record, Violation, where))
            report.count += 1
        elif kind == "footer":
            report.unfinished = False
            for name in _FOOT:
                setattr(report, name, record[name])
        else:
            raise UsageError(f"{where}: not a line of a watch")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{where}: not a line of a watch: {error}") from None
