"""Polyak's heavy ball: no velocity, but the last two iterates."""

from typing import Any

from momentum.conventions._convention import Convention, Hyper, Source, State


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * theta
    previous = theta if state.step == 0 else state.v
    return theta - h.lr * d + h.momentum * (theta - previous), State(state.step + 1, theta)


convention = Convention(
    name="two_point",
    rule=rule,
    formula=(
        "x_previous = x before the first step",
        "d = g + weight_decay x",
        "x_next = x - lr d + momentum (x - x_previous)",
    ),
    source=Source("Polyak 1964, Some methods of speeding up the convergence of iteration methods"),
    spoken_by={"polyak": "coupled"},
    takes=frozenset({"momentum"}),
    keeps_iterates=True,
)
