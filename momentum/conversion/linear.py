"""Parameters and states as exact linear functions of the start and the gradients.

Every convention is linear in them, so a parameter is a row of coefficients, one for the start and
one for each gradient: its impulse responses. Two runs agree for all starts and all gradients
exactly when their rows are equal. Only the few rows of one moment matter for the steps to come,
so they are kept as coordinates in a basis of their own span, which never has more than four.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from momentum.conventions import Convention, Hyper, State

Row = NDArray[Any]
"""Shape (n,), of exact numbers."""

ZERO = fmpq(0)


class Place(NamedTuple):
    """Where a run is: its parameter, as a row, and its state, whose v is a row."""

    theta: Row
    state: Any


def row(numbers: Sequence[fmpq | int]) -> Row:
    """A row of rationals."""
    made = np.empty(len(numbers), dtype=object)
    made[:] = [fmpq(x) if isinstance(x, int) else x for x in numbers]
    return made


def begin(initial: State) -> Place:
    """The start: the parameter is the one basis vector, the velocity is zero."""
    return Place(row([1]), initial._replace(v=row([0])))


def widen(place: Place) -> Place:
    """The same place in a basis with one more vector, the gradient that comes."""
    return Place(_append(place.theta), place.state._replace(v=_append(place.state.v)))


def _append(x: Row) -> Row:
    return np.concatenate([x, row([0])])


def advance(convention: Convention, place: Place, h: Hyper) -> Place:
    """One step of the convention's own rule on a new gradient.

    Raises: ZeroDivisionError where the rule divides by zero.
    """
    wide = widen(place)
    gradient = row([0] * len(place.theta) + [1])
    return Place(*convention.step(wide.theta, gradient, wide.state, h))


def kept(convention: Convention, state: State, h: Hyper) -> fmpq:
    """The weight of the gradient in the new velocity."""
    place = Place(row([0]), state._replace(v=row([0])))
    weight: fmpq = advance(convention, place, h).state.v[-1]
    return weight


def supports(convention: Convention) -> bool:
    """The state is a count of steps, a velocity v, and numbers that no gradient changes."""
    if not {"step", "v"} <= set(convention.initial._fields):
        return False
    after = advance(
        convention, begin(convention.initial), Hyper(lr=fmpq(1, 2), momentum=fmpq(1, 2))
    ).state
    return not any(isinstance(x, np.ndarray) for x in after._replace(v=0))


def seen(convention: Convention, place: Place, following: Hyper) -> Row:
    """Where the next gradient is taken; what a model sees of an optimizer."""
    point = convention.gradient_point(place.theta, place.state, following)
    assert isinstance(point, np.ndarray)
    return point


def combination(wanted: Row, of: Sequence[Row]) -> tuple[fmpq, ...] | None:
    """Coefficients c with wanted = sum c_i of_i, for independent rows; None where none exist.

    Elimination, line by line, over whatever numbers the rows hold.
    """
    count = len(of)
    solved: list[tuple[int, list[Any]]] = []  # a line without the unknowns of those before it
    for numbers in zip(*of, wanted):
        line = list(numbers)
        for lead, known in solved:
            if line[lead] != 0:
                part = line[lead]
                line = [x - part * y for x, y in zip(line, known)]
        lead = next((i for i, x in enumerate(line) if x != 0), -1)
        if lead == count:
            return None
        if lead >= 0:
            solved.append((lead, [x / line[lead] for x in line]))
    found: list[Any] = [ZERO] * count
    for lead, line in reversed(solved):
        found[lead] = line[count] - sum(x * y for x, y in zip(found, line))
    return tuple(found)


def independent(rows: Sequence[Row]) -> list[Row]:
    """The first rows that span all of them."""
    kept: list[Row] = []
    for x in rows:
        if combination(x, kept) is None:
            kept.append(x)
    return kept


def compress(*places: Place) -> tuple[Place, ...]:
    """The same places in coordinates of a basis of their common span."""
    rows = [x for place in places for x in (place.theta, place.state.v)]
    basis = independent(rows)
    if not basis:
        return tuple(Place(row([0]), p.state._replace(v=row([0]))) for p in places)
    told = [row(combination(x, basis) or ()) for x in rows]
    return tuple(
        Place(told[2 * i], place.state._replace(v=told[2 * i + 1]))
        for i, place in enumerate(places)
    )  # fmt: skip


def equal(a: Row, b: Row) -> bool:
    """Whether two rows of one basis are the same."""
    return all(x == y for x, y in zip(a, b))
