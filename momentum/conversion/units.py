"""Other units in which recipes give weight decay and gradients, and what they come to.

weight_decay is the part of the parameter that is added to the gradient, or taken off times lr.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flint import fmpq

Numbers = Mapping[str, Any]
Row = dict[str, Any]


def _penalty(value: fmpq, row: Numbers, first: fmpq) -> Row:
    """loss + l2 |x|^2, whose gradient is 2 l2 x."""
    return {"weight_decay": 2 * value}


def _per_step(value: fmpq, row: Numbers, first: fmpq) -> Row:
    """x loses this part of itself at each step, whatever lr is."""
    return {"weight_decay": _over(value, row["lr"])}


def _relative(value: fmpq, row: Numbers, first: fmpq) -> Row:
    """x loses this part of itself times lr / (lr of the first step)."""
    return {"weight_decay": _over(value, first)}


def _summed(value: fmpq, row: Numbers, first: fmpq) -> Row:
    """The gradient is the sum of so many that the target gets the mean of."""
    decay = row.get("weight_decay", 0)
    return {"lr": row["lr"] * value, "weight_decay": _over(decay, value)}


def _over(value: fmpq, rate: fmpq) -> fmpq:
    if not rate and value:
        raise ValueError("decay that is not scaled by lr has no weight_decay where lr is 0")
    return value / rate if value else value


UNITS: Mapping[str, Callable[[Any, Numbers, Any], Row]] = {
    "l2": _penalty,
    "decay": _per_step,
    "decay_relative": _relative,
    "accumulated": _summed,
}
"""From a value, the other numbers of its row and the first lr to numbers in our units."""

DECOUPLED = frozenset({"decay", "decay_relative"})
"""Units of decay that acts on the parameter, beside the step."""
