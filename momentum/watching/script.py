"""Watch every SGD-like optimizer that a script makes, with no change to the script."""

import contextlib
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from momentum.watching import ranks
from momentum.watching.options import Options
from momentum.watching.reading import unwrapped
from momentum.watching.records import own_file
from momentum.watching.report import WatchError, WatchReport
from momentum.watching.watcher import Args, Kwargs, Watcher


class EveryOptimizer:
    """A global hook: a watcher for each optimizer at its first step.

    unwatched: why an optimizer is not, and how many steps it took.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.watchers: dict[int, Watcher] = {}
        self.unwatched: dict[str, int] = {}

    def watcher_of(self, optimizer: Optimizer) -> Watcher | None:
        """The watcher of an optimizer, None where it cannot be watched."""
        if id(optimizer) not in self.watchers:
            path = self.options.jsonl
            path = None if path is None else own_file(path, len(self.watchers))
            try:
                watcher = Watcher(optimizer, replace(self.options, jsonl=path))
            except ValueError as error:
                self.unwatched[str(error)] = self.unwatched.get(str(error), 0) + 1
                return None
            watcher.attach()
            self.watchers[id(optimizer)] = watcher
        return self.watchers[id(optimizer)]

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def before(self, optimizer: Optimizer, args: Args, kwargs: Kwargs) -> None:
        """Before a step of any optimizer, and before its own hooks."""
        if unwrapped(optimizer) is not optimizer:
            return  # it lets another take the step
        watcher = self.watcher_of(optimizer)
        if watcher is not None:
            watcher.be_last(optimizer, args, kwargs)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Watch while within; what is left is verified at the end, however it comes."""
        handle = register_optimizer_step_pre_hook(self.before)
        try:
            with ranks.before_the_end(self.compare):
                yield
        finally:
            handle.remove()
            for watcher in self.watchers.values():
                watcher.detach()
                watcher.close()

    def compare(self) -> None:
        """Verify what is left, and compare all ranks. A collective call."""
        for watcher in self.watchers.values():
            watcher.queue.flush(raises=False)
        ranks.compare(self.reports)

    @property
    def reports(self) -> list[WatchReport]:
        """One for each optimizer that was watched."""
        return [watcher.report for watcher in self.watchers.values()]


@contextmanager
def as_main(script: Path, arguments: Sequence[str]) -> Iterator[None]:
    """The process as `python SCRIPT ARGUMENTS` finds it."""
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path


def run(watching: EveryOptimizer, script: Path, arguments: Sequence[str]) -> str:
    """Run a script and watch its optimizers; what it failed with, in words, or nothing.

    What was found is kept however the script ends.
    """
    try:
        with as_main(script, arguments), watching.hooked():
            runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return "" if end.code in (None, 0) else f"{script} ended with exit code {end.code}"
    except (WatchError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever the script raises
        return _told(error)
    return ""


def _told(error: BaseException) -> str:
    """The script's traceback, from its own first line on."""
    frame = error.__traceback__
    ours = (__file__, contextlib.__file__, runpy.__file__, "<frozen runpy>")
    while frame is not None and frame.tb_frame.f_code.co_filename in ours:
        frame = frame.tb_next
    return "".join(traceback.format_exception(error.with_traceback(frame))).rstrip()
