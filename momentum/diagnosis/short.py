"""Numbers of few digits near to one that was measured."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from momentum.conventions import Hyper


def rounded_between(low: float, high: float) -> float:
    """The number with the fewest digits above `low` and not above `high`; a power of ten if any."""
    ten = 10.0 ** np.ceil(np.log10(low)) if low > 0 else high
    if low < ten <= high:
        return float(ten)
    middle = (low + high) / 2
    return short(middle, (high - low) / 2)


def short(number: float, doubt: float) -> float:
    """The number with the fewest decimal digits that is within the doubt."""
    for digits in range(1, 17):
        rounded = float(f"{number:.{digits}g}")
        if abs(rounded - number) <= doubt:
            return rounded
    return number


def said(number: float) -> str:
    """All its digits, and no point behind a whole number."""
    return repr(float(number)).removesuffix(".0")


class Limit(NamedTuple):
    """A number of a hyper-parameter beyond which something is so. at_it: at the number too."""

    name: str
    number: float
    more: bool
    at_it: bool

    @property
    def words(self) -> str:
        """`where lr is more than 1`."""
        number, more = f"{self.number:g}", "more" if self.more else "less"
        side = f"{number} or {more}" if self.at_it else f"{more} than {number}"
        return f"where {self.name} is {side}"

    def beyond(self, h: Hyper) -> bool:
        """Whether the hyper-parameter is."""
        x = float(getattr(h, self.name))
        return self.at_it if x == self.number else (x > self.number) is self.more


def limit(
    name: str, fails: Callable[[float], bool], good: float, bad: float, near: float
) -> tuple[Limit, float]:
    """A short number between a right and a wrong one, as near, and a wrong one beside it."""
    more = bad > good
    while abs(bad - good) > near * abs(bad):
        middle = (good + bad) / 2
        good, bad = (good, middle) if fails(middle) else (middle, bad)
    number = short((good + bad) / 2, abs(bad - good))
    return Limit(name, number, more, fails(number)), bad
