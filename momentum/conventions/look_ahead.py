"""Nesterov's method as Sutskever writes it: gradient at the look-ahead point, iterate unshifted."""

from typing import Any

from momentum.conventions._convention import Convention, Hyper, Source, State


def gradient_point(theta: Any, state: Any, h: Hyper) -> Any:
    return theta - h.momentum * state.v


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * gradient_point(theta, state, h)
    v = h.momentum * state.v + h.lr * d
    return theta - v, State(state.step + 1, v)


def moved_twice(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """The parameter goes to the look-ahead point and on from there by the gradient."""
    point = gradient_point(theta, state, h)
    d = grad + h.weight_decay * point
    return point - h.lr * d, State(state.step + 1, h.momentum * state.v + h.lr * d)


def undone(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """The parameter comes back from the look-ahead point before it moves."""
    point = gradient_point(theta, state, h)
    d = grad + h.weight_decay * point
    v = h.momentum * state.v + h.lr * d
    return (point + h.momentum * state.v) - v, State(state.step + 1, v)


convention = Convention(
    name="look_ahead",
    rule=rule,
    formula=(
        "v = 0 before the first step",
        "y = x - momentum v;  g is taken at y",
        "d = g + weight_decay y",
        "v = momentum v + lr d",
        "x = x - v",
    ),
    source=Source("Sutskever, Martens, Dahl, Hinton 2013, equations 3 and 4; optim.nag of Torch7"),
    spoken_by={"torch7.nag": "coupled", "river": "coupled", "sutskever": "coupled"},
    takes=frozenset({"momentum"}),
    forms=lambda h: (moved_twice, undone),
    gradient_point=gradient_point,
)
