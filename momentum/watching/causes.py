"""What wrong coordinates did in place of the step, where one sentence fits them all.

A linear rule moves a parameter by what each of its terms contributes:

    theta' = keep theta + b v + c grad

A factor on one of them, or another array in its place, is tried against what came out.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from momentum.oracle.given import Array

EVIDENCE = 16
"""Bits by which elements must bear out a factor: a chance fit of one in 65536."""


class Term(NamedTuple):
    """One contribution to a step: coefficient times array."""

    coefficient: float
    array: Array

    @property
    def part(self) -> Array:
        """What it adds."""
        return self.coefficient * self.array


class Step(NamedTuple):
    """A step at the coordinates that are wrong.

    before, after: where the parameter was and went. exact, bound: where it had to go, and how
    near. terms: name -> its contribution. others: words -> the term's name, and the array that
    would have stood in its place.
    """

    before: Array
    after: Array
    exact: Array
    bound: Array
    terms: dict[str, Term] = {}
    others: dict[str, tuple[str, Array]] = {}


def cause(step: Step, scale: float = 1.0) -> str:
    """The one sentence that fits every coordinate; empty where none does, or several.

    scale: by which the step had to divide its gradients.
    """
    if np.array_equal(step.before, step.after):
        return "they were left as they were"
    if len(step.before) == 1:
        return _flipped(step)
    whole = _factor(step.after - step.before, step.exact - step.before, step.bound)
    fitting = [*_other_factors(step, scale), *_other_arrays(step)]
    if whole is not None:  # what was seen; a term that moved alone comes to the same
        moved = f"they moved {_unlike_one(whole)} times as far as they should"
        return f"{moved}: {fitting[0]}" if len(fitting) == 1 and scale != 1 else moved
    return fitting[0] if len(fitting) == 1 else ""


def _factor(went: Array, due: Array, bound: Array) -> float | None:
    """The factor with which all of `due` was taken, None where there is none or it shows nowhere.

    went, due: in doubt by `bound`. Both cannot be told from noise where due is no larger; and a
    few elements that are little off fit some factor by chance.
    """
    with np.errstate(all="ignore"):
        factor = float(went @ due / (due @ due))
        doubt = (1 + abs(factor)) * bound
        bits = np.log2(np.abs(went - due) / doubt)[np.abs(due) > 4 * bound]
    off = np.abs(went - factor * due)
    # One of them sets the factor; the others bear it out.
    borne_out = float(np.sum(np.sort(bits[bits > 0])[:-1]))
    if len(bits) > 1 and np.all(off <= doubt) and borne_out >= EVIDENCE:
        return factor
    return None


def _other_factors(step: Step, scale: float) -> Iterator[str]:
    for name, term in step.terms.items():
        factor = _factor(step.after - step.exact + term.part, term.part, step.bound)
        if factor is None:
            continue
        if name == "gradient" and scale != 1 and abs(factor / scale - 1) < 2.0**-8:
            yield f"the gradient was not divided by its scale of {scale:g}"
        elif name == "gradient" and factor > 4 and _is_power_of_two(factor):
            yield f"the gradient acted {factor:.4g} times, as one that is not unscaled"
        elif abs(factor) < 2.0**-8:
            yield f"the {name} did not act"
        else:
            yield f"the {name} acted {_unlike_one(factor)} times"


def _unlike_one(factor: float) -> str:
    """With as many digits as tell it from 1."""
    return next(x for n in range(4, 18) if float(x := f"{factor:.{n}g}") != 1 or n == 17)


def _is_power_of_two(factor: float) -> bool:
    """To within what the bound leaves open of it."""
    return abs(factor / 2.0 ** round(math.log2(factor)) - 1) < 2.0**-8


def _other_arrays(step: Step) -> Iterator[str]:
    for words, (name, array) in step.others.items():
        term = step.terms[name]
        change = term.coefficient * array - term.part
        fits = np.abs(step.after - (step.exact + change)) <= 2 * step.bound
        if np.all(fits) and np.count_nonzero(np.abs(change) > 4 * step.bound) > 1:
            yield words


def _flipped(step: Step) -> str:
    """A term that is off by a power of two at a single element, as one flipped bit makes it."""
    found = []
    for name, term in step.terms.items():
        unit = abs(term.coefficient)
        if not unit:
            continue
        off, doubt = (float(x[0]) / unit for x in (np.abs(step.after - step.exact), step.bound))
        power = round(math.log2(off)) if 0 < off < math.inf else 0
        if abs(off - 2.0**power) <= doubt < 2.0**power / 64:
            found.append(f"its {name} is off by 2^{power}, as one flipped bit makes it")
    return found[0] if len(found) == 1 else ""
