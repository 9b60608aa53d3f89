"""A weighted mean of the plain gradient step and the averaged momentum step."""

from typing import Any

from momentum.conventions._convention import Convention, Hyper, Rule, Source, State


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    return theta - h.lr * ((1 - h.nu) * d + h.nu * v), State(state.step + 1, v)


def interpolated(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """Both means as moves from one end towards the other (lerp)."""
    d = grad + h.weight_decay * theta
    v = state.v + (1 - h.momentum) * (d - state.v)
    return theta - h.lr * (d + h.nu * (v - d)), State(state.step + 1, v)


def interpolated_back(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """The average as a move from the gradient back towards the old one."""
    d = grad + h.weight_decay * theta
    v = d + h.momentum * (state.v - d)
    return theta - h.lr * (d + h.nu * (v - d)), State(state.step + 1, v)


def multiplied_out(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """Two updates of the parameter, one for each step."""
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    return theta - h.lr * h.nu * v - h.lr * (1 - h.nu) * d, State(state.step + 1, v)


def forms(h: Hyper) -> tuple[Rule, ...]:
    return (interpolated, interpolated_back, multiplied_out)


convention = Convention(
    name="quasi_hyperbolic",
    rule=rule,
    formula=(
        "v = 0 before the first step",
        "d = g + weight_decay x",
        "v = momentum v + (1 - momentum) d",
        "x = x - lr ((1 - nu) d + nu v)",
    ),
    source=Source("Ma and Yarats 2019, Quasi-hyperbolic momentum and Adam, equations 3 and 4"),
    spoken_by={"qhm": "coupled", "qhoptim": "coupled"},
    takes=frozenset({"momentum", "nu"}),
    forms=forms,
)
