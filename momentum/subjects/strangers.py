"""Exceptions of a stranger's code, whose texts, classes and looks may fail in their turn."""

import re
import signal
import traceback
from pathlib import Path

from momentum.subjects.protocol import SubjectError

LONGEST = 100_000
"""Characters of a text that is carried on."""

_OURS = Path(__file__).parents[1]
_SUBJECTS = "sgd", "gallery"
"""Our own rooms whose code is under test like a stranger's."""


def tamed(error: BaseException) -> BaseException:
    """The error itself; one of ours that says the same where code cannot live with it.

    So it is with what is no Exception, and so no test for one finds; with the end of a generator,
    which ends ours; and with a class that lies about itself, or whose text fails or does not end.
    """
    kind = type(error)
    if issubclass(kind, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        return error  # somebody pressed the keys
    try:
        text = str(error)
        told = error.__class__ is kind and len(text) < LONGEST and type(kind) is type
    except BaseException:
        text, told = "", False
    if told and issubclass(kind, Exception) and not issubclass(kind, StopIteration):
        return error
    if issubclass(kind, MemoryError):
        return MemoryError(text[:300])
    return SubjectError(_sentence(error, text))


def in_words(error: BaseException) -> str:
    """The exception and the innermost line of the subject's own."""
    text = str(error)
    return _short(text) if isinstance(error, SubjectError) else _sentence(error, text)


def _sentence(error: BaseException, text: str) -> str:
    name: str = vars(type)["__name__"].__get__(type(error))
    frames = traceback.extract_tb(vars(BaseException)["__traceback__"].__get__(error))
    theirs = [f for f in frames if _is_of_a_subject(Path(f.filename))]
    at = f" (line {theirs[-1].lineno} of {Path(theirs[-1].filename).name})" if theirs else ""
    text = _short(text)
    return f"raised {name}{': ' if text else ''}{text}{at}"


def _is_of_a_subject(file: Path) -> bool:
    ours = file.is_relative_to(_OURS)
    return not ours or file.relative_to(_OURS).parts[0] in _SUBJECTS


def _short(text: str) -> str:
    """One line, without addresses in memory: one failure has the same text in every run."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(text[:LONGEST].split()))[:300]
