"""The type of a rule, and what it keeps between steps."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from momentum.arithmetic.number import Number
from momentum.conventions.hyper import Hyper

N = TypeVar("N", bound=Number)
S = TypeVar("S")


class State(NamedTuple):
    """What a rule keeps between steps: steps taken with a gradient, and the velocity."""

    step: int = 0
    v: Any = 0


Moved = tuple[Any, Any]
"""Parameter and state after a step."""

Rule = Callable[[Number, Number, Any, Hyper], Moved]
"""rule(theta, grad, state, h) -> (theta, state), with + - * only, on one array.

theta and state come back over the number type that went in; which state it is, is the rule's own.
"""
