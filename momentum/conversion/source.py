"""The source's steps, and whether its velocity still matters after each."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from momentum.conventions import Convention, Hyper, State
from momentum.conversion import linear
from momentum.conversion.given import written
from momentum.conversion.linear import Place


class DividesByZero(ValueError):
    """The source's rule divides by zero at a step, counted from 0."""

    def __init__(self, convention: Convention, step: int, h: Hyper) -> None:
        super().__init__(f"{convention.name} divides by zero at step {step + 1}: {written(h)}")
        self.step = step


class Step(NamedTuple):
    """One step of the source, and whether its velocity matters after.

    like: what a target's step resembles where it leaves a choice.
    """

    h: Hyper
    following: Hyper
    matters: bool
    like: Hyper


def source_steps(convention: Convention, hypers: Sequence[Hyper], ends: bool = False) -> list[Step]:
    """The source's steps; after the last row it goes on with that row, or ends there.

    Raises: DividesByZero.
    """
    steps: list[Step] = []
    place = linear.begin(convention.initial)
    for t, h in enumerate(hypers):
        try:
            (place,) = linear.compress(linear.advance(convention, place, h))
        except ZeroDivisionError:
            raise DividesByZero(convention, t, h) from None
        later = [*hypers[t + 1 :], hypers[-1], *([] if ends else [hypers[-1]])]
        over = ends and t + 1 == len(hypers)
        steps.append(Step(h, later[0], not over and _matters(convention, place.state, later), h))
    return steps


def _matters(convention: Convention, state: State, later: Sequence[Hyper]) -> bool:
    """Whether a velocity, all else zero, ever moves what a model sees."""
    place = Place(linear.row([0]), state._replace(v=linear.row([1])))
    place = place._replace(theta=-linear.seen(convention, place, later[0]))
    for h, following in pairwise(later):
        try:
            theta, state = convention.step(place.theta, linear.row([0]), place.state, h)
        except ZeroDivisionError:
            return False  # that step is told when it comes
        place = Place(theta, state)
        if linear.seen(convention, place, following)[0] != 0:
            return True
        if place.theta[0] == 0 and place.state.v[0] == 0:
            return False
    return False
