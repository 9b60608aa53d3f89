"""Watch every SGD-like optimizer that a script makes, with no change to the script."""

import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from momentum.conventions import Convention
from momentum.watching.reading import convention_of
from momentum.watching.report import WatchError, WatchReport
from momentum.watching.sample import Sample
from momentum.watching.watcher import Watcher


class EveryOptimizer:
    """Global hooks: a watcher for each optimizer at its first step."""

    def __init__(
        self, convention: str | Convention | None, every: int, sample: Sample, raises: bool
    ) -> None:
        self.options = (convention, every, sample, 200, 0, raises)
        self.watchers: dict[int, Watcher] = {}
        self.unknown: dict[str, int] = {}
        self.failure = ""

    def watcher_of(self, optimizer: torch.optim.Optimizer) -> Watcher | None:
        """The watcher of an optimizer, None where its convention is not known."""
        if id(optimizer) not in self.watchers:
            try:
                if self.options[0] is None:
                    convention_of(optimizer)
            except ValueError:
                name = type(optimizer).__name__
                self.unknown[name] = self.unknown.get(name, 0) + 1
                return None
            watcher = Watcher(optimizer, *self.options)
            optimizer.register_load_state_dict_post_hook(watcher.on_load)
            self.watchers[id(optimizer)] = watcher
        return self.watchers[id(optimizer)]

    def before(self, optimizer: Any, args: Any, kwargs: Any) -> Any:
        """Before a step of any optimizer."""
        watcher = self.watcher_of(optimizer)
        return None if watcher is None else watcher.on_start(optimizer, args, kwargs, 2)

    def after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """After a step of any optimizer."""
        watcher = self.watchers.get(id(optimizer))
        if watcher is not None:
            watcher.on_end(optimizer, args, kwargs, 2)

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Watch while within."""
        handles = [
            register_optimizer_step_pre_hook(self.before),
            register_optimizer_step_post_hook(self.after),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @property
    def reports(self) -> list[WatchReport]:
        """One for each optimizer that was watched."""
        return [watcher.report for watcher in self.watchers.values()]


def run(
    script: Path,
    arguments: Sequence[str],
    convention: str | None = None,
    every: int = 1,
    sample: Sample = 65536,
    raises: bool = False,
) -> EveryOptimizer:
    """Run a script as `python SCRIPT ARGUMENTS` would, and watch its optimizers.

    What the script raises ends it, and is told in `failure`; what was found has been kept.
    """
    watching = EveryOptimizer(convention, every, sample, raises)
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        with watching.hooked():
            runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            watching.failure = f"{script} ended with exit code {end.code}"
    except (WatchError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever the script raises
        watching.failure = _told(error)
    finally:
        sys.argv, sys.path[:] = argv, path
    return watching


def _told(error: BaseException) -> str:
    """The script's traceback, from its own first line on."""
    frame = error.__traceback__
    ours = (__file__, runpy.__file__, "<frozen runpy>")
    while frame is not None and frame.tb_frame.f_code.co_filename in ours:
        frame = frame.tb_next
    return "".join(traceback.format_exception(error.with_traceback(frame))).rstrip()
