"""Hooks on a live torch optimizer, and the oracle that walks beside it."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from momentum.watching import ranks
from momentum.watching.options import Options
from momentum.watching.placing import Placing
from momentum.watching.queue import LONGEST, Part, Queue, Row
from momentum.watching.reading import amp_of
from momentum.watching.records import Lines
from momentum.watching.report import WatchReport

Args = tuple[object, ...]
Kwargs = dict[str, object]
"""Of a step, as torch hands them to hooks."""


class Watcher:
    """The state of a watch; `hooked` puts it on its optimizer.

    Raises: ValueError where the optimizer's convention is not known, or where its state does not
    show what the convention needs to go on.
    """

    def __init__(
        self, optimizer: Optimizer, options: Options, names: Mapping[Tensor, str] = {}
    ) -> None:
        self.optimizer, self.options = optimizer, options
        self.placing = Placing(optimizer, options, names)
        self.report = WatchReport(
            self.placing.convention.full_name,
            type(optimizer).__name__,
            int(os.environ.get("RANK", "0")),
            int(os.environ.get("WORLD_SIZE", "1")),
            options.every,
            any(hasattr(p, "placements") for g in optimizer.param_groups for p in g["params"]),
        )
        self.queue = Queue(self.report, options)
        self.outermost: FrameType | None = None
        self.depth = 0
        self.handles: list[Any] = []
        self.row: Row | None = None
        self.placing.draw(0, settled=True)
        self.lines = None if options.jsonl is None else Lines(options.jsonl, self.report)
        self.report.placed(self.placing.tensors)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Watch while within; what is left is verified at the end, and kept where a step raises."""
        first = register_optimizer_step_pre_hook(self.be_last)
        try:
            self.attach()
            yield
            self.queue.flush(self.options.raises)
            ranks.compare([self.report])
        finally:
            first.remove()
            self.detach()
            self.close()

    def attach(self) -> None:
        """Put the hooks on. Of those after a step ours is the first: what others do to parameters
        there is beside the optimizer."""
        after = self.optimizer.register_step_post_hook(self.on_end)
        # torch: a post hook cannot be registered as the first
        self.optimizer._optimizer_step_post_hooks.move_to_end(after.id, last=False)  # type: ignore[attr-defined]
        self.handles = [
            after,
            self.optimizer.register_load_state_dict_post_hook(self.on_load),
            self.optimizer.register_step_pre_hook(self.on_start),
        ]

    def detach(self) -> None:
        """Take the hooks off."""
        for handle in self.handles:
            handle.remove()
        self.handles = []

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def be_last(self, optimizer: Optimizer, args: Args, kwargs: Kwargs) -> None:
        """Before the optimizer's own hooks: ours moves behind them, which may clip gradients."""
        if optimizer is self.optimizer:
            self.handles.pop().remove()
            self.handles.append(optimizer.register_step_pre_hook(self.on_start))

    def close(self) -> None:
        """Verify what is left, and end the file. Other ranks are not asked: they may be gone."""
        self.queue.flush(raises=False)
        for text in filter(None, self.placing.left.values()):
            self.report.note(text)
        self.placing.left.clear()
        if self.lines is not None:
            lines, self.lines = self.lines, None
            lines.finish()

    def on_load(self, optimizer: Optimizer) -> None:
        """The state is another: velocities are taken from it."""
        self.report.load()
        self.placing.begin_anew()

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def on_start(
        self, optimizer: Optimizer, args: Args, kwargs: Kwargs
    ) -> tuple[Args, Kwargs] | None:
        """Before a step: where the sampled coordinates are, and their gradients."""
        if _within(self.outermost):
            self.depth += 1
            return None  # a subclass that calls the step of its base
        self.outermost, self.depth = _stepping(), 1
        if self.placing.draw(self.report.steps, settled=not self.queue.rows):
            self.report.placed(self.placing.tensors)
        self.row = None
        closure = args[1] if len(args) > 1 else kwargs.get("closure")  # args[0]: the optimizer
        if not callable(closure):
            self._gather()
            return None

        def gathered() -> object:
            loss = closure()
            self._gather()
            return loss

        if len(args) > 1:
            return (args[0], gathered, *args[2:]), kwargs
        return args, {**kwargs, "closure": gathered}

    @torch.no_grad()
    def _gather(self) -> None:
        self.placing.part()
        parts = []
        for bundle in self.placing.bundles:
            params = [m.p for m in bundle.members]
            if params[0].grad is None:
                continue
            start = self.placing.start_of(bundle) if bundle.begins else None
            bundle.begins = False
            before = torch.cat(bundle.read(params))
            grad = torch.cat(bundle.read([p.grad for p in params]))
            parts.append(Part(bundle, before, grad, start))
        # a closure may have set them, and the step itself may change them for the next
        self.row = Row(parts, [self.options.read(group) for group in self.optimizer.param_groups])

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def on_end(self, optimizer: Optimizer, args: Args, kwargs: Kwargs) -> None:
        """After a step: where the coordinates went; now and then, all is compared."""
        self.depth -= 1
        if self.depth:
            return
        self.outermost = None
        self.report.steps += 1
        row, self.row = self.row, None
        if row is None:
            return
        row.parts = [
            x
            for x in row.parts
            if x.start != {}
            or not self.placing.hides(x.bundle, row.options[x.bundle.members[0].group]["momentum"])
        ]
        if not row.parts:
            return
        row.step, row.amp = self.report.steps, amp_of(self.optimizer)
        with torch.no_grad():
            row.after = [
                torch.cat(x.bundle.read([m.p for m in x.bundle.members])) for x in row.parts
            ]
        self.queue.rows.append(row)
        if (row.step - 1) % self.options.every == 0 or len(self.queue.rows) >= LONGEST:
            self.queue.flush(self.options.raises)


_STEPS = torch.optim.Optimizer.profile_hook_step.__code__.co_filename


def _stepping() -> FrameType | None:
    """The frame of torch's that calls the hooks, and the step between them."""
    here: FrameType | None = sys._getframe(1)
    while here is not None and here.f_code.co_filename != _STEPS:
        here = here.f_back
    return here


def _within(frame: FrameType | None) -> bool:
    """Whether a frame is still running, somewhere below this call; one that raised is not."""
    here: FrameType | None = sys._getframe(1)
    while frame is not None and here is not None:
        if here is frame:
            return True
        here = here.f_back
    return False
