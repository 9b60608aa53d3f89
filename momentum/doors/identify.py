"""What `momentum identify` does: load the target in a child process and tell what it is."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from momentum.conventions import get
from momentum.errors import UsageError
from momentum.subjects.isolation import Lost, stream

SECONDS = 120.0
"""That the target's framework and the probes may take together."""


def told(
    target: str,
    settings: Mapping[str, str],
    dtype: str | None = None,
    also: Sequence[str] = (),
) -> str:
    """The target's identity in words; also: further conventions, as `conventions.get` reads them.

    Raises: UsageError where it cannot be loaded or probed.
    """
    (item,) = stream(partial(_work, target, dict(settings), dtype, also), SECONDS)
    if isinstance(item, Lost):
        raise UsageError(f"{target} {item.reason} while it was probed")
    if isinstance(item, UsageError):
        raise item
    return str(item)


def _work(
    target: str, settings: Mapping[str, str], dtype: str | None, also: Sequence[str]
) -> Iterator[Any]:
    from momentum.adapters import load  # in the child process: a framework may come with it
    from momentum.diagnosis import describe, identify

    try:
        more = [get(which) for which in also]
    except ValueError as error:
        yield UsageError(str(error))
        return
    try:
        yield describe(identify(load(target, settings), dtype, also=more))
    except (Exception, SystemExit) as error:
        yield UsageError(str(error) if isinstance(error, UsageError) else f"{target}: {error!r}")
