"""Text that others wrote, made safe to show: of an exception, a program's answer, a file.

A character that a terminal acts on, that reorders what stands around it, or that cannot be encoded
is written as Python writes it in a literal: an escape sequence becomes `\\x1b[31m`.
"""

import contextlib
import io
import sys
import unicodedata
from collections.abc import Iterator
from typing import IO, Any

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


def safe(value: Any) -> Any:
    """The same structure with all its texts visible; line breaks and tabs stay."""
    if isinstance(value, str):
        return visible(value, keep="\n\t")
    if isinstance(value, dict):
        return {safe(k): safe(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [safe(v) for v in value]
    return value


def say(text: str, stream: IO[str] | None = None) -> None:
    """Print lines on standard output, or another stream."""
    stream = sys.stdout if stream is None else stream
    stream.write(visible(text, keep="\n") + "\n")
    stream.flush()


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
