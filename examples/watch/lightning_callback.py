"""Lightning: a callback that watches the optimizers of a fit, and fails it at a wrong step."""

from contextlib import ExitStack
from typing import Any

import lightning

import momentum
from momentum.watching import WatchError


class Watch(lightning.Callback):
    """options: those of `momentum.watch`. reports: one for each optimizer."""

    def __init__(self, **options: Any) -> None:
        self.options, self.reports, self.stack = options, [], ExitStack()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin with the training."""
        options = {"names": list(pl_module.named_parameters()), **self.options}
        watches = [momentum.watch(optimizer, **options) for optimizer in trainer.optimizers]
        self.reports = [self.stack.enter_context(one) for one in watches]

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Verify what is left, and raise where a step was wrong."""
        self.stack.close()
        if not all(report.passed for report in self.reports):
            raise WatchError("\n".join(map(str, self.reports)))

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Take the hooks off."""
        self.stack.close()
