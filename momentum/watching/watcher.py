"""Hooks on a live torch optimizer, and the oracle that walks beside it."""

import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from momentum.conventions import Convention, Hyper, get
from momentum.watching.ranks import Hash, first_parting
from momentum.watching.reading import (
    Array,
    amp_of,
    convention_of,
    hyper_of,
    local,
    moved_to_host,
    numbers_of,
    taken,
    velocity_of,
)
from momentum.watching.report import Violation, WatchError, WatchReport
from momentum.watching.sample import BLOCK, Sample, budgets, draw
from momentum.watching.watched import Watched


@contextmanager
def watch(
    optimizer: torch.optim.Optimizer,
    convention: str | Convention | None = None,
    *,
    every: int = 1,
    sample: Sample = 65536,
    redraw: int = 200,
    seed: int = 0,
    names: Iterable[tuple[str, Tensor]] = (),
    on_violation: Literal["record", "raise"] = "record",
) -> Iterator[WatchReport]:
    """Verify every step of a live torch optimizer within the derived bound.

        with momentum.watch(optimizer, names=model.named_parameters()) as report:
            train()
        print(report)

    Two comparisons are made on the watched coordinates, in float64: each step from where the
    parameter was, and the trajectory since watching began. The velocity is the oracle's own, made
    of the gradients that the optimizer really saw; where watching begins in mid-training, or a
    state is loaded, it is taken from the optimizer's state. A parameter that is changed beside the
    optimizer is followed, and noted.

    convention: an object, a name or a speaker; known for torch.optim.SGD, timm and MomentumSGD.
    every: verify each so many steps. sample: coordinates in all, or "all". redraw: steps after
    which the random part of the sample is drawn anew, where the state shows a velocity.
    names: the model's `named_parameters()`. on_violation: raise WatchError, or only record.

    Raises: ValueError for an optimizer whose convention is not known, or a bad option.
    """
    if every < 1 or redraw < 1 or (sample != "all" and sample < 1):
        raise ValueError(f"every={every}, sample={sample}, redraw={redraw}: wanted 1 or more")
    inner = getattr(optimizer, "optim", None)  # torch: ZeroRedundancyOptimizer steps its shard
    target = inner if isinstance(inner, torch.optim.Optimizer) else optimizer
    watcher = Watcher(target, convention, every, sample, redraw, seed, on_violation == "raise")
    watcher.name(names)
    with watcher.hooked():
        yield watcher.report
    watcher.compare_ranks()


class Watcher:
    """The state of a watch; `hooked` puts it on its optimizer."""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        convention: str | Convention | None,
        every: int,
        sample: Sample,
        redraw: int,
        seed: int,
        raises: bool,
    ) -> None:
        self.optimizer = optimizer
        self.convention = convention_of(optimizer) if convention is None else get(convention)
        self.every, self.sample, self.redraw, self.raises = every, sample, redraw, raises
        self.generator = np.random.default_rng(seed)
        self.report = WatchReport(self.convention.full_name, int(os.environ.get("RANK", "0")))
        self.watched: dict[Tensor, Watched] = {}
        self.seen: dict[Tensor, NDArray[np.bool_]] = {}
        self.names: dict[Tensor, str] = {}
        self.places: dict[Tensor, tuple[int, int]] = {}
        self.told = convention is not None
        self.outermost: FrameType | None = None
        self.hashes: list[Hash] = []
        self.before: dict[Tensor, tuple[Tensor, Tensor]] = {}

    def name(self, names: Iterable[tuple[str, Tensor]]) -> None:
        """Know parameters by the model's names."""
        self.names.update({p: name for name, p in names})

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Watch while within."""
        handles = [
            self.optimizer.register_step_pre_hook(self.on_start),
            self.optimizer.register_step_post_hook(self.on_end),
            self.optimizer.register_load_state_dict_post_hook(self.on_load),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def on_load(self, optimizer: Any) -> None:
        """The state is another: velocities are taken from it."""
        self.report.note("the optimizer loaded a state")
        for one in self.watched.values():
            one.fresh = True

    def on_start(self, optimizer: Any, args: Any, kwargs: Any, up: int = 1) -> Any:
        """Before a step: where the sampled coordinates are, and their gradients.

        up: how many frames above is the step that is hooked.
        """
        if _within(self.outermost):
            return None  # a subclass that calls the step of its base
        self.outermost = sys._getframe(up)
        self._draw()
        self.before = {}
        groups = optimizer.param_groups
        for p, one in self.watched.items():
            # torch: a velocity stands still while momentum is 0, and goes on from there
            if one.fresh or (one.idle and groups[self.places[p][0]].get("momentum")):
                one.take_state(p, self.optimizer.state.get(p) or {})
        closure = args[1] if len(args) > 1 else kwargs.get("closure")  # args[0]: the optimizer
        if closure is None:
            self._gather()
            return None

        def gathered() -> Any:
            loss = closure()
            self._gather()
            return loss

        if len(args) > 1:
            return (args[0], gathered, *args[2:]), kwargs
        return args, {**kwargs, "closure": gathered}

    def _gather(self) -> None:
        with torch.no_grad():
            for p, one in self.watched.items():
                if p.grad is not None:
                    self.before[p] = taken(p, one.positions), taken(p.grad, one.positions)

    def on_end(self, optimizer: Any, args: Any, kwargs: Any, up: int = 1) -> None:
        """After a step: the oracle takes it too, and the two are compared."""
        if sys._getframe(up) is not self.outermost:
            return
        self.outermost = None
        self.report.steps += 1
        if not self.before:
            return
        scale, skipped = amp_of(self.optimizer)
        compared = (self.report.steps - 1) % self.every == 0
        with torch.no_grad():
            after = {p: taken(p, self.watched[p].positions) for p in self.before}
            rows = [(*self.before[p], after[p]) for p in self.before]
            groups = self.optimizer.param_groups
            numbers = [numbers_of(group) for group in groups]
            on_device = [x for row in rows for x in row] + [x for row in numbers for x in row]
            moved = moved_to_host([*on_device, scale, skipped])  # the one transfer of a step
        if moved[-1].item():
            return
        unscaled = float(moved[-2].item())
        hypers = [
            hyper_of(group, [float(x[0]) for x in moved[3 * len(rows) + 5 * g :][:5]])
            for g, group in enumerate(groups)
        ]
        worst = 0.0
        for i, p in enumerate(self.before):
            before, grad, there = moved[3 * i : 3 * i + 3]
            grad = grad / unscaled if unscaled != 1 else grad
            worst = max(worst, self._verify(p, before, grad, there, hypers, compared))
        self.before = {}
        if compared:
            self.report.verified += 1
            self.report.ratios.append((self.report.steps, worst))

    def _draw(self) -> None:
        """Sample parameters that are new, and from time to time the old ones anew."""
        places = self.places = {
            p: (g, i)
            for g, group in enumerate(self.optimizer.param_groups)
            for i, p in enumerate(group["params"])
        }
        for p in [p for p in self.watched if p not in places]:
            del self.watched[p]
        again = self.report.steps and self.report.steps % self.redraw == 0
        if again and self.sample != "all":
            kept = {
                p for p in self.watched if velocity_of(self.optimizer.state.get(p) or {}, p) is None
            }
            self.watched = {p: w for p, w in self.watched.items() if p in kept}
        new = [p for p in places if p not in self.watched]
        if not new:
            return
        shares = dict(zip(places, budgets([local(p).numel() for p in places], self.sample)))
        for p in new:
            indices = draw(local(p).numel(), shares[p], self.generator)
            group = self.optimizer.param_groups[places[p][0]]
            own = group.get("convention")  # MomentumSGD: an option of the group
            convention = self.convention if own is None or self.told else get(own)
            self.watched[p] = Watched(p, convention, indices)
            self.watched[p].take_state(p, self.optimizer.state.get(p) or {})
            seen = self.seen.setdefault(p, np.zeros(local(p).numel(), dtype=bool))
            seen[indices] = True
        self._count()

    def _count(self) -> None:
        report = self.report
        report.tensors = len(self.seen)
        report.elements = sum(seen.size for seen in self.seen.values())
        report.watched = int(sum(seen.sum() for seen in self.seen.values()))
        blocks = [
            np.add.reduceat(seen, np.arange(0, seen.size, BLOCK)) > 0
            for seen in self.seen.values()
            if seen.size
        ]
        report.blocks = sum(len(b) for b in blocks)
        report.blocks_watched = int(sum(b.sum() for b in blocks))

    def _verify(
        self,
        p: Tensor,
        before: Array,
        grad: Array,
        after: Array,
        hypers: list[Hyper],
        compared: bool,
    ) -> float:
        """Let the oracle take the step of one parameter; the worst ratio, 0 where not compared."""
        one, (group, _) = self.watched[p], self.places[p]
        h = hypers[group]
        one.idle = not h.momentum
        name = self._called(p)
        if one.moved_beside(before):
            self.report.note(f"{name} was changed beside the optimizer")
        one.step(before, grad, after, h)
        if not compared:
            return 0.0
        self.hashes.append(Hash(self.report.steps, name, zlib.crc32(after.tobytes())))
        found = one.compared(before, after)
        for how, _, k, got, exact, bound, wrong, moved in (worst for worst in found if worst.wrong):
            self.report.add(
                Violation(
                    self.report.rank, self.report.steps, group, name, int(one.indices[k]), how,
                    got, exact, bound, wrong, len(one.indices), moved,
                )
            )  # fmt: skip
            if self.raises:
                raise WatchError(str(self.report.violations[-1]))
        return max(worst.ratio for worst in found)

    def _called(self, p: Tensor) -> str:
        group, place = self.places[p]
        # torch: optimizers made from named parameters know them
        own = self.optimizer.param_groups[group].get("param_names")
        return self.names.get(p) or (own[place] if own else f"params[{place}]")

    def compare_ranks(self) -> None:
        """Replicas on all ranks; where each rank has shards of its own, nothing is compared."""
        whole = all(local(p) is p for p in self.watched)
        self.report.parted = first_parting(self.hashes if whole else None)


def _within(frame: FrameType | None) -> bool:
    """Whether a frame is still running, somewhere below this call; one that raised is not."""
    here: FrameType | None = sys._getframe(1)
    while frame is not None and here is not None:
        if here is frame:
            return True
        here = here.f_back
    return False
