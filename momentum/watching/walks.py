"""The oracle's walk beside a bundle: how it begins, is copied, and is compared."""

from collections.abc import Mapping
from copy import copy
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import FORMATS, Format
from momentum.arithmetic.expanded import NotLinear
from momentum.conventions import Convention, Hyper
from momentum.oracle.block import Walk
from momentum.oracle.given import Array
from momentum.oracle.kernels import Kept
from momentum.oracle.linear import Linear
from momentum.oracle.plan import Plan

L = TypeVar("L")

Prior = tuple[Any, Mapping[str, Array]]
"""State, and its rows that are arrays, before a step."""


def begun(convention: Convention, format: Format, linear: bool, start: Array) -> Linear | Walk:
    """A walk at its start; number by number where the rule is not linear."""
    if linear:
        return Linear(Plan(convention, format, own_error=True), start)
    return Walk(convention, format, start, None)


def is_linear(convention: Convention) -> bool:
    """Whether the rule is a sum of products, which the oracle takes for many at once."""
    try:
        plan = Plan(convention, FORMATS["float32"], own_error=True)
        for _ in range(2):
            plan.next(Hyper(lr=0.1, momentum=0.9, nu=0.7))
    except (NotLinear, TypeError, AttributeError):  # the rule computes with other things too
        return False
    return True


def copied(walk: L, kept: Kept = slice(None)) -> L:
    """The same history, to go on by itself, at some of its coordinates if the rule is linear."""
    return cast(L, walk.part(kept)) if isinstance(walk, Linear) else copy(walk)


def prior_to(walk: Linear | Walk) -> Prior | None:
    """State and velocity rows as they are before a step, None where the rule is not linear."""
    if not isinstance(walk, Linear):
        return None
    rows = {name: x.copy() for name, x in walk.arrays.items()}
    return walk.plan.plain_state(rows), rows


def beyond(after: Array, walk: Linear | Walk) -> tuple[float, NDArray[np.bool_] | None]:
    """The largest error / bound, and which coordinates exceed theirs, None where none does.

    No claim is made where the exact number or the bound is not finite.
    """
    error = np.abs(after - walk.value)
    ratio = np.divide(error, walk.bound, out=np.zeros_like(error), where=error != 0)
    peak = float(ratio.max(initial=0.0))
    if peak <= 1:
        return peak, None
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    ratio[~(np.isfinite(walk.value) & np.isfinite(walk.bound))] = 0.0
    peak = float(ratio.max(initial=0.0))
    return peak, ratio > 1 if peak > 1 else None
