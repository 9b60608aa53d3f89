"""Files that a person names: read whole or refused in one line, replaced whole or left alone."""

import contextlib
import errno
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from select import select
from typing import IO, TypeVar

import msgspec

from momentum.errors import UsageError

MOST = 1 << 28
"""Bytes that a file may have; a device that never ends has more."""

PATIENCE = 2.0
"""Seconds in which somebody has to begin to write into a pipe."""

SILENCE = 60.0
"""Seconds in which something has to come from whoever does."""

T = TypeVar("T")


def read(path: Path, what: str) -> str:
    """The text of a file; what: the word for it in an error.

    Raises: UsageError where it cannot be read, is too large, or is no UTF-8.
    """
    try:
        data = _bytes_of(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {what} {path}: {reason(error)}") from None
    if len(data) > MOST:
        raise UsageError(f"cannot read {what} {path}: it has more than {MOST >> 20} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"cannot read {what} {path}: it is no UTF-8 text") from None


def _bytes_of(path: Path) -> bytes:
    """What a file, or a pipe that somebody fills, holds: one byte more than `MOST` at most.

    Raises: OSError, also where nothing comes.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    parts: list[bytes] = []
    size, began = 0, time.monotonic()
    try:
        if os.isatty(number):
            raise OSError("it is a terminal")
        while size <= MOST:
            try:
                part = os.read(number, min(1 << 20, MOST + 1 - size))
            except BlockingIOError:  # there is a writer, who has not written yet
                if not select([number], [], [], SILENCE)[0]:
                    raise OSError(f"nothing comes from it within {SILENCE:g} s") from None
                continue
            if part:
                parts.append(part)
                size += len(part)
            elif size or not stat.S_ISFIFO(os.fstat(number).st_mode):
                break
            elif time.monotonic() - began > PATIENCE:
                raise OSError("it is a pipe that nobody writes into")
            else:
                time.sleep(0.02)
    finally:
        os.close(number)
    return b"".join(parts)


def json_of(line: str, where: str) -> object:
    """What a line of JSON says.

    Raises: UsageError where it is none.
    """
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UsageError(f"{where}: no JSON that can be read: {error}") from None


def record_of(value: object, kind: type[T], where: str) -> T:
    """The record that a mapping holds; keys that it does not know are passed over.

    Raises: UsageError where a key is missing or a value of another type.
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.MsgspecError, RecursionError, OverflowError) as error:
        raise UsageError(f"{where}: {error}") from None


def writable(path: Path) -> None:
    """Refuse at the door what cannot be written after the run.

    Raises: UsageError.
    """
    try:
        target = path.resolve()
        place = target if _special(target) else target.parent
        able = not target.is_dir() and place.exists() and os.access(place, os.W_OK)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"cannot write {path}: {reason(error)}") from None
    if not able or (target.exists() and not os.access(target, os.W_OK)):
        raise UsageError(f"cannot write {path}")


def different(*paths: Path | None) -> None:
    """Refuse to write two things into one file.

    Raises: UsageError.
    """
    seen: dict[Path, Path] = {}
    for path in paths:
        if path is None or str(path) == "-":
            continue
        target = path.resolve()
        if target in seen and not _special(target):
            raise UsageError(f"{seen[target]} and {path} are one file: give two")
        seen[target] = path


def replace(path: Path, text: str) -> None:
    """Write a file beside, and put it in the place of the old one, which an error leaves whole.

    Raises: UsageError where it cannot be written.
    """
    try:
        target = path.resolve()
        if _special(target):
            with begun(target) as stream:
                stream.write(text)
            return
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with open(number, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(number)
            if target.exists():
                shutil.copymode(target, name)
            else:
                mask = os.umask(0o077)
                os.umask(mask)
                os.chmod(name, 0o666 & ~mask)
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {path}: {reason(error)}") from None


def begun(path: Path) -> IO[str]:
    """A file to write from its beginning; a pipe only where somebody reads it.

    Raises: OSError.
    """
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o666)
    os.set_blocking(number, True)
    return open(number, "w", encoding="utf-8")


def reason(error: Exception) -> str:
    """Why the system refused."""
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "nobody is at the other end"
    return getattr(error, "strerror", None) or str(error)


def _special(path: Path) -> bool:
    """A device or a pipe, which cannot be replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()
