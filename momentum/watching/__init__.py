"""The oracle inside a live training: every step of a torch optimizer, verified where it happens."""

from momentum.watching.report import Violation, WatchError, WatchReport
from momentum.watching.watcher import watch

__all__ = ["Violation", "WatchError", "WatchReport", "watch"]
