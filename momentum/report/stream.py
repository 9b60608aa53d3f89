"""JSON lines that grow while a run goes on, in the place of an earlier report or not at all."""

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import IO

from momentum.errors import UsageError
from momentum.runner import files


class Stream:
    """Opens its file with the first line; an earlier report is kept beside until this one is whole.

    Where a line cannot be written, the earlier report is put back, no more is written, and `finish`
    says why. `-` is standard output, None nothing at all.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.out: IO[str] | None = None
        self.earlier: Path | None = None
        self.broken = ""

    def write(self, line: str) -> None:
        """One more line, on the disk before this returns, so that an interrupt loses nothing."""
        if self.path is None or self.broken:
            return
        try:
            if self.out is None:
                self.out = self._opened(self.path)
            self.out.write(line)
            self.out.flush()
        except (OSError, ValueError) as error:
            self.broken = f"cannot write {self.path}: {files.reason(error)}"
            self.drop()

    def finish(self) -> None:
        """Raises: UsageError where the report could not be written."""
        if self.out is not None and self.out is not sys.stdout:
            self.out.close()
        if self.earlier is not None:
            self.earlier.unlink(missing_ok=True)
            self.earlier = None
        if self.broken:
            raise UsageError(self.broken)

    def drop(self) -> None:
        """Give up this report; an earlier one is again where it was."""
        with contextlib.suppress(OSError):  # what is buffered has no room either
            if self.out is not None and self.out is not sys.stdout:
                self.out.close()
        if self.earlier is not None and self.path is not None:
            os.replace(self.earlier, self.path.resolve())
            self.earlier = None

    def _opened(self, path: Path) -> IO[str]:
        if str(path) == "-":
            return sys.stdout
        target = path.resolve()
        if target.is_file():
            beside = target.with_name(f".{target.name}.earlier")
            if not beside.exists():  # else what is here is the rest of a run that was killed
                try:
                    os.link(target, beside)
                except OSError:  # a file system without links
                    shutil.copy2(target, beside)
            self.earlier = beside
            target.unlink()
        return files.begun(target)
