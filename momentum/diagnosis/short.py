"""Numbers of few digits near to one that was measured."""

import numpy as np


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
