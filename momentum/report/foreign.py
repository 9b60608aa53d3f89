"""Text that others wrote, made safe to show: of an exception, a program's answer, a file.

A character that a terminal acts on, that reorders what stands around it, or that cannot be encoded
is written as Python writes it in a literal: an escape sequence becomes `\\x1b[31m`.
"""

import contextlib
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from typing import IO, Any

from momentum.errors import UsageError

_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: controls, formats (bidirectional ones too), surrogates, breaks."""


def visible(text: str, keep: str = "") -> str:
    """The text with every character escaped that does not show as itself, but for those to keep."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _unshown(c) else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """The same in a single line: runs of blanks and line breaks become one blank."""
    return visible(" ".join(text.split()))


def safe(value: object) -> Any:
    """The same structure with all its texts visible; line breaks and tabs stay."""
    if isinstance(value, str):
        return visible(value, keep="\n\t")
    if isinstance(value, dict):
        return {safe(k): safe(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [safe(v) for v in value]
    return value


def say(text: str, stream: IO[str] | None = None, styled: bool = False) -> None:
    """Print lines on standard output, or another stream. styled: they hold colours of our own.

    A reader that has seen enough, as `head` has, is no error.
    Raises: UsageError where the stream is closed or full.
    """
    stream = sys.stdout if stream is None else stream
    if stream is None:
        raise UsageError("cannot print: the stream is closed")
    try:
        stream.write((text if styled else visible(text, keep="\n")) + "\n")
        stream.flush()
    except BrokenPipeError:
        silence(stream)
    except (OSError, ValueError) as error:
        silence(stream)
        raise UsageError(f"cannot print: {getattr(error, 'strerror', None) or error}") from None


def silence(stream: IO[str]) -> None:
    """Let nothing that is still in its buffer trouble the end of the process."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_watched(stream: IO[str] | None) -> bool:
    """Somebody may be looking: it is a terminal, and open."""
    return stream is not None and not stream.closed and stream.isatty()


@contextlib.contextmanager
def any_encoding() -> Iterator[None]:
    """Standard streams write what their encoding lacks as escapes."""
    before: list[tuple[io.TextIOWrapper, str]] = []
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            before.append((stream, stream.errors or "strict"))
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        for stream, errors in before:
            with contextlib.suppress(ValueError, OSError):  # closed meanwhile, or its disk is full
                stream.reconfigure(errors=errors)


def _unshown(character: str) -> bool:
    return unicodedata.category(character) in _UNSHOWN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
