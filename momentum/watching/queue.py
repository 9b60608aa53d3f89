"""Steps that were seen and are not verified yet."""

import logging
import zlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from momentum.conventions import Hyper
from momentum.oracle.given import Array
from momentum.watching.bundle import Bundle, Given
from momentum.watching.options import Options
from momentum.watching.reading import Option, moved_to_host
from momentum.watching.report import Violation, WatchError, WatchReport
from momentum.watching.walks import copied

LOG = logging.getLogger("momentum.watch")
LOG.addHandler(logging.NullHandler())

LONGEST = 32
"""Steps that wait at most; they keep their samples in memory."""


class Part(NamedTuple):
    """What was seen of a bundle before a step; start: see Given, tensors where they are."""

    bundle: Bundle
    before: Tensor
    grad: Tensor
    start: dict[str, Any] | None


@dataclass
class Row:
    """A step. after: where each part went. options: of each group. amp: the scale, and whether a
    scaler skips the step."""

    parts: list[Part]
    options: list[dict[str, Option]]
    step: int = 0
    after: list[Tensor] = field(default_factory=list)
    amp: tuple[Option, Option] = (1.0, 0.0)


class Queue:
    """Rows in their order; `flush` brings them to the host at once and verifies the last."""

    def __init__(self, report: WatchReport, options: Options) -> None:
        self.report, self.options = report, options
        self.rows: list[Row] = []

    def flush(self, raises: bool) -> None:
        """Let the oracle take all steps and compare the last; where that is wrong, find the first.

        Raises: WatchError where something is wrong, and `raises`.
        """
        rows, self.rows = self.rows, []
        if not rows:
            return
        seen = _on_host(rows, self.report.rank)
        bundles = {x.bundle: None for row in rows for x in row.parts}
        before = (
            {b: {**vars(b), "along": copied(b.along)} for b in bundles} if len(rows) > 1 else {}
        )
        found = [_taken(row, givens, row is rows[-1]) for row, givens in zip(rows, seen)]
        if len(rows) > 1 and any(x.wrong for x in found):
            for bundle, held in before.items():
                vars(bundle).update(held)
            found = [_taken(row, givens, True) for row, givens in zip(rows, seen)]
        first = self.report.count
        for row, givens, one in zip(rows, seen, found):
            self._kept(row, givens, one)
        for bundle in bundles:
            bundle.parent = None
            self.report.recognised(bundle.loaded)
            bundle.loaded = {}
        if raises and self.report.count > first:
            raise WatchError(str(self.report.violations[-1]))

    def _kept(self, row: Row, givens: "list[Given]", one: "_Taken") -> None:
        report = self.report
        for text in one.notes:
            report.note(text)
        if not one.compared:
            return
        report.verified += bool(one.claims)
        hashes = {}
        for part, given in zip(row.parts, givens):
            ends = part.bundle.ends[:-1]
            for member, piece in zip(part.bundle.members, np.split(given.after, ends)):
                hashes[member.name] = zlib.crc32(piece.tobytes())
        report.verify(row.step, one.ratio, hashes)
        for violation in one.wrong:
            LOG.warning("%s", violation)
            report.add(violation)


class _Taken(NamedTuple):
    """A row after the oracle took it; claims: some coordinate was judged."""

    compared: bool
    claims: bool
    ratio: float
    wrong: list[Violation]
    notes: list[str]


def _taken(row: Row, givens: list[Given], compared: bool) -> _Taken:
    ratio, claims = 0.0, False
    wrong: list[Violation] = []
    notes: list[str] = []
    for part, given in zip(row.parts, givens):
        peak, worse, beside = part.bundle.step(given, compared)
        ratio, wrong = max(ratio, peak), wrong + worse
        finite = bool(np.isfinite(given.after).any())
        claims |= finite
        notes += [f"{m.name} was changed beside the optimizer" for m in beside]
        notes += [] if finite else [f"{part.bundle.members[0].name} and others are not finite"]
    return _Taken(compared, claims, ratio, wrong, notes)


def _on_host(rows: list[Row], rank: int) -> list[list[Given]]:
    """What was seen, row by row and part by part; the one transfer."""
    kept = [
        ([(x.before, x.grad, after, x.start) for x, after in zip(row.parts, row.after)],
         row.options, row.amp)
        for row in rows
    ]  # fmt: skip
    leaves, shape = tree_flatten(kept)
    waiting = [i for i, x in enumerate(leaves) if isinstance(x, Tensor)]
    for i, moved in zip(waiting, moved_to_host([leaves[i] for i in waiting])):
        leaves[i] = moved
    found = []
    for row, (parts, groups, amp) in zip(rows, tree_unflatten(leaves, shape)):
        hypers = [Hyper(**{n: _number(x) for n, x in group.items()}) for group in groups]
        scale, skipped = map(_number, amp)
        found.append([
            Given(
                rank, row.step, before.astype(np.float64), grad.astype(np.float64) / scale,
                after.astype(np.float64), hypers[part.bundle.members[0].group],
                start and {n: x if n == "v" else _number(x) for n, x in start.items()},
                scale, bool(skipped),
            )
            for part, (before, grad, after, start) in zip(row.parts, parts)
        ])  # fmt: skip
    return found


def _number(x: float | Array) -> Any:
    """A number that may have been a tensor of one; flags stay flags."""
    return float(x[0]) if isinstance(x, np.ndarray) else x if isinstance(x, bool) else float(x)
