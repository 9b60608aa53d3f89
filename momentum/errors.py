"""The one error that a user of the command line can mend, and what helps to mend it."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class UsageError(Exception):
    """A target, an option or a missing package: one clear line, no traceback, exit code 2."""


@contextmanager
def of_usage() -> Iterator[None]:
    """Within, a ValueError is of what somebody gave: a UsageError."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from None


def closest(word: str, known: Iterable[str]) -> str:
    """The known name that is spelled most like a word, in whatever case; empty where none is."""
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower()[:100], names, n=1, cutoff=0.6)
    return names[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'keras'?`, the end of an error; empty where nothing is like it."""
    name = closest(word, known)
    return f"; did you mean {name!r}?" if name else ""
