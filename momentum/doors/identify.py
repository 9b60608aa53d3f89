"""What `momentum identify` does: load the target in a child process and tell what it is."""

from collections.abc import Mapping, Sequence

from momentum.doors.targets import Target
from momentum.errors import UsageError
from momentum.runner.events import Describe, Described, Refused
from momentum.runner.options import Options, convention_of
from momentum.runner.pool import Pool
from momentum.subjects.isolation import Lost


def told(
    target: str,
    settings: Mapping[str, str],
    dtype: str | None = None,
    also: Sequence[str] = (),
    time_limit: float = 60.0,
) -> str:
    """The target's identity in words; also: further conventions, as `conventions.get` reads them.

    Raises: UsageError where it cannot be loaded or probed, or takes longer for either.
    """
    for which in also:
        convention_of(which, time_limit)
    options = Options(arguments=(target,), time_limit=time_limit)
    pool = Pool(Target(target, texts=settings).load, None, options)
    try:
        pool.load()
        hand = pool.hire()
        request = Describe(dtype, tuple(also))
        said = hand if isinstance(hand, Lost) else pool.asked(hand, request)
    finally:
        pool.close()
    if isinstance(said, Lost):
        raise UsageError(f"{target} {said.words()} while it was probed")
    if isinstance(said, Refused):
        raise UsageError(said.words)
    assert isinstance(said, Described)
    return said.words
