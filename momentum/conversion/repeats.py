"""Rows made alike, as far as that changes nothing."""

from collections.abc import Callable, Sequence

from momentum.conventions import Hyper


def evened(path: list[Hyper], holds: Callable[[list[Hyper]], bool]) -> list[Hyper]:
    """The first row made like the second, as far as that changes nothing."""
    if len(path) < 2:
        return path
    candidates = [path[1]]
    if len(set(path[1:])) == 1:  # where several steps are special, the first may be so too
        for names in (("momentum", "dampening"), ("momentum",), ("dampening",)):
            candidates.append(path[0]._replace(**{n: getattr(path[1], n) for n in names}))
    for first in candidates:
        if first == path[0]:
            break
        if holds([first, *path[1:]]):
            return [first, *path[1:]]
    return path


def without_repeats(path: Sequence[Hyper]) -> list[Hyper]:
    """Without the last rows but one, where they are alike."""
    end = len(path)
    while end > 1 and path[end - 1] == path[end - 2]:
        end -= 1
    return list(path[:end])
